/** Runs of responses at fake vendors, in this process against a real Redis. */
import { expect } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { type Provider, ProviderCatalog } from "../../src/providers/catalog.ts";
import { providerSchema } from "../../src/providers/providers-file.ts";
import type { OutputItem, StoredInputItem } from "../../src/protocol/item.ts";
import type { ResolvedRequest } from "../../src/protocol/create-request.ts";
import type { Response } from "../../src/protocol/response.ts";
import type { Storage } from "../../src/responses/storage.ts";
import { AttemptControl } from "../../workers/attempt/attempt.ts";
import { AiSdkUpstream } from "../../workers/upstreams/ai-sdk/ai-sdk.ts";
import { OpenAiResponsesUpstream } from "../../workers/upstreams/openai-responses/openai-responses.ts";
import { COUNTING_TOOL, type CountingTool, countingTool } from "./counting-tool.ts";
import type { FakeVendor } from "./fake-vendor/server.ts";
import { createResponse, finalResponse, runOnce } from "./tool-runs.ts";

const CLIENT_TOOL = {
  type: "function" as const,
  name: "get_weather",
  parameters: {
    type: "object",
    // Schema features that more than one vendor rejects.
    $schema: "https://json-schema.org/draft/2020-12/schema",
    properties: { city: { type: "string" }, day: { type: ["string", "null"] } },
    required: ["city"],
    additionalProperties: false,
  },
};

/** A chain of responses, each answered by a vendor that sees all earlier ones. */
export class Chain {
  readonly tool: CountingTool = countingTool();
  readonly #storage: Storage;
  readonly #settings: NodeJS.ProcessEnv;
  readonly #ids: string[] = [];

  constructor(storage: Storage, settings: NodeJS.ProcessEnv = {}) {
    this.#storage = storage;
    this.#settings = settings;
  }

  async ask(vendor: FakeVendor, question: string): Promise<Response> {
    return await this.send(vendor, [user(question)]);
  }

  /** The client answers the latest calls. */
  async answer(vendor: FakeVendor, calls: readonly OutputItem[], outputs: readonly string[]): Promise<Response> {
    const input = calls.flatMap((item, index) => {
      if (item.type !== "function_call") return [];
      const id = `fc_${index}`;
      return [{ type: "function_call_output" as const, call_id: item.call_id, output: outputs[index] ?? "", id }];
    });
    return await this.send(vendor, input);
  }

  async send(vendor: FakeVendor, input: StoredInputItem[], request: Partial<ResolvedRequest> = {}): Promise<Response> {
    const tools = [COUNTING_TOOL, CLIENT_TOOL];
    const whole = { model: vendor.model, tools, reasoning: { effort: "low" as const }, ...request };
    const id = await createResponse(this.#storage, whole, { ancestors: this.#ids, input, isWhole: true });
    const run = { storage: this.#storage, kinds: [this.tool.kind], ...openVendorUpstream(vendor, this.#settings) };
    await runOnce(run, id, new AttemptControl());
    const { response } = await finalResponse(this.#storage, id);
    this.#ids.push(id);
    return response;
  }
}

export function user(content: string): StoredInputItem {
  return { type: "message", role: "user", content, id: "msg_user" };
}

function openVendorUpstream(vendor: FakeVendor, settings: NodeJS.ProcessEnv) {
  const config = readConfig({ UPSTREAM_MAX_RETRIES: "3", ...settings });
  const provider: Provider = { name: vendor.name, ...providerSchema.parse(vendor.entry) };
  if (provider.kind === "simulator") throw new Error("The simulator is no vendor.");
  const options = { firstBackoffMs: 1 };
  const upstream =
    provider.kind === "openai-responses"
      ? new OpenAiResponsesUpstream(provider, config, options)
      : new AiSdkUpstream(provider, config, options);
  return { upstream, resolved: new ProviderCatalog([provider]).resolve(vendor.model)! };
}

/** A valid request is never rejected: the message is the vendor's own. */
export function expectNoRejections({ rejections, name }: FakeVendor): void {
  expect(
    rejections.map(({ message }) => message),
    `${name}: ${JSON.stringify(rejections[0]?.body)}`,
  ).toEqual([]);
}
