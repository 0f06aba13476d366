/** Admission on a test's storage. Only the simulator serves models. */
import { readConfig } from "../../src/config/config.ts";
import { PromptCatalog } from "../../src/prompts/prompt-catalog.ts";
import { ProviderCatalog } from "../../src/providers/catalog.ts";
import { Admission } from "../../src/responses/admission/admission.ts";
import type { AdmissionLimits } from "../../src/responses/admission/admission-limits.ts";
import type { ResponseContext } from "../../src/responses/storage.ts";
import { LIMITS } from "./samples.ts";

const config = readConfig({});
const catalog = new ProviderCatalog([{ name: "simulator", kind: "simulator" }]);
const noPrompts = new PromptCatalog([], 0);

export function createAdmission(
  { storage, queue, logger }: ResponseContext,
  { limits = {}, prompts = noPrompts }: { limits?: Partial<AdmissionLimits>; prompts?: PromptCatalog } = {},
): Admission {
  return new Admission({ storage, queue, logger, config, catalog, prompts, limits: { ...LIMITS, ...limits } });
}
