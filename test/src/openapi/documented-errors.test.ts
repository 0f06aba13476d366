/** Every refusal that there is, is shown at a route; and whatever a route refuses, it shows. */
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCompactRequest } from "../../../src/http/endpoints/compact-response.ts";
import { VALIDATION_ERROR_CODES } from "../../../src/http/validation/validation-errors.ts";
import { parseJson } from "../../../src/http/middleware/json-body.ts";
import { parseBody, parseCreateRequest } from "../../../src/http/validation/validate.ts";
import { ApiError } from "../../../src/lifecycle/errors/api-error.ts";
import {
  createConversationSchema,
  createItemsSchema,
  updateConversationSchema,
} from "../../../src/protocol/conversation.ts";
import { inputTokensRequestSchema } from "../../../src/protocol/input-tokens.ts";
import { ProviderCatalog } from "../../../src/providers/catalog.ts";
import { resolveResponse, ROUTES } from "../../support/api-description.ts";
import { oddContextRequests, oddRequests } from "../../support/odd-requests.ts";

/** `api-error.ts` is what the others are made with. */
const ERROR_FILES = readdirSync(new URL("../../../src/lifecycle/errors/", import.meta.url))
  .map((file) => file.replace(/\.ts$/, ""))
  .filter((name) => name !== "api-error");

interface Shown {
  status: string;
  name: string;
  code: string | null;
}

/** The refusals that a route shows, each with its status. */
function refusalsOf({ operation }: (typeof ROUTES)[number]): Shown[] {
  return Object.entries(operation.responses).flatMap(([status, response]) => {
    if (Number(status) < 400) return [];
    const examples = resolveResponse(response).content?.["application/json"]?.examples ?? {};
    return Object.entries(examples).flatMap(([name, { value }]) => {
      const { error } = value as Partial<ReturnType<ApiError["toEnvelope"]>>;
      return error === undefined ? [] : [{ status, name, code: error.code }];
    });
  });
}

describe("refusals", () => {
  const shown = ROUTES.flatMap(refusalsOf);

  test.each(ERROR_FILES)("each constructor of lifecycle/errors/%s.ts is shown at a route", async (file) => {
    const module = (await import(`../../../src/lifecycle/errors/${file}.ts`)) as object;
    const names = new Set(shown.map(({ name }) => name));
    expect(Object.keys(module).filter((name) => !names.has(name))).toEqual([]);
  });

  test("each code of a fault is shown at a route", () => {
    const codes = new Set(shown.map(({ code }) => code));
    expect(VALIDATION_ERROR_CODES.filter((code) => !codes.has(code))).toEqual([]);
  });

  const catalog = new ProviderCatalog([{ name: "simulator", kind: "simulator" }]);
  const PARSERS: Record<string, (body: unknown) => unknown> = {
    "/responses": (body) => parseCreateRequest(body, catalog),
    "/responses/input_tokens": (body) => parseBody(inputTokensRequestSchema, body),
    "/responses/compact": (body) => parseCompactRequest(body, catalog),
    "/conversations": (body) => parseBody(createConversationSchema, body),
    "/conversations/CONV": (body) => parseBody(updateConversationSchema, body),
    "/conversations/CONV/items": (body) => parseBody(createItemsSchema, body),
  };

  test("whatever is wrong with a body, the code of its refusal is shown at its route", () => {
    const unknown = new Set<string>();
    const check = ({ method, path, body }: { method: string; path: string; body?: Buffer }): void => {
      const parse = PARSERS[path];
      if (method !== "POST" || parse === undefined || body === undefined || body.length > 100_000) return;
      const refusal = refusalOf(parse, body);
      const route = ROUTES.find(
        (each) => each.path === `/v1${path.replace("CONV", "{conversation_id}")}` && each.method === method,
      )!;
      const isShown = refusalsOf(route).some(
        ({ status, code }) => status === String(refusal?.status) && code === refusal?.code,
      );
      if (refusal !== undefined && !isShown) unknown.add(`${path} ${refusal.status} ${refusal.code}`);
    };
    fc.assert(fc.property(oddRequests, check), { seed: 20_260_401, numRuns: 2_000 });
    fc.assert(fc.property(oddContextRequests, check), { seed: 20_260_401, numRuns: 1_000 });
    expect([...unknown]).toEqual([]);
  });
});

/** Bodies that are not even JSON, or too deep, are `jsonBody`'s. */
function refusalOf(parse: (body: unknown) => unknown, body: Buffer): ApiError | undefined {
  let json: unknown;
  try {
    json = parseJson(body);
  } catch {
    return undefined;
  }
  try {
    parse(json);
    return undefined;
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}
