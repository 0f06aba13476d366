/** Every error that exists is described at a route, and a route describes every error it answers. */
import { readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseCompactRequest } from "../../../src/http/validation/compact-request.ts";
import { VALIDATION_ERROR_CODES } from "../../../src/http/validation/validation-errors.ts";
import { parseJson } from "../../../src/http/middleware/json-body.ts";
import { parseBody } from "../../../src/http/validation/parse-body.ts";
import { parseCreateRequest } from "../../../src/http/validation/create-request.ts";
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

/** The other errors are made with `api-error.ts`. */
const ERROR_FILES = readdirSync(new URL("../../../src/lifecycle/errors/", import.meta.url))
  .map((file) => file.replace(/\.ts$/, ""))
  .filter((name) => name !== "api-error");

interface Shown {
  status: string;
  name: string;
  code: string | null;
}

/** The errors that a route describes, each with its status. */
function errorsOf({ operation }: (typeof ROUTES)[number]): Shown[] {
  return Object.entries(operation.responses).flatMap(([status, response]) => {
    if (Number(status) < 400) return [];
    const examples = resolveResponse(response).content?.["application/json"]?.examples ?? {};
    return Object.entries(examples).flatMap(([name, { value }]) => {
      const { error } = value as Partial<ReturnType<ApiError["toEnvelope"]>>;
      return error === undefined ? [] : [{ status, name, code: error.code }];
    });
  });
}

describe("documented errors", () => {
  const shown = ROUTES.flatMap(errorsOf);

  test.each(ERROR_FILES)("include each constructor of lifecycle/errors/%s.ts", async (file) => {
    const module = (await import(`../../../src/lifecycle/errors/${file}.ts`)) as object;
    const names = new Set(shown.map(({ name }) => name));
    expect(Object.keys(module).filter((name) => !names.has(name))).toEqual([]);
  });

  test("include each error code of a route", () => {
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

  test("include the code of every error in a body, at its route", () => {
    const unknown = new Set<string>();
    const check = ({ method, path, body }: { method: string; path: string; body?: Buffer }): void => {
      const parse = PARSERS[path];
      if (method !== "POST" || parse === undefined || body === undefined || body.length > 100_000) return;
      const error = errorOf(parse, body);
      const route = ROUTES.find(
        (each) => each.path === `/v1${path.replace("CONV", "{conversation_id}")}` && each.method === method,
      )!;
      const isShown = errorsOf(route).some(
        ({ status, code }) => status === String(error?.status) && code === error?.code,
      );
      if (error !== undefined && !isShown) unknown.add(`${path} ${error.status} ${error.code}`);
    };
    fc.assert(fc.property(oddRequests, check), { seed: 20_260_401, numRuns: 2_000 });
    fc.assert(fc.property(oddContextRequests, check), { seed: 20_260_401, numRuns: 1_000 });
    expect([...unknown]).toEqual([]);
  });
});

/** `jsonBody` rejects bodies that are not JSON or too deep. */
function errorOf(parse: (body: unknown) => unknown, body: Buffer): ApiError | undefined {
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
