/** Every refusal that there is, is shown at a route; and whatever a route refuses, it shows. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FAULT_CODES } from "../../../src/http/faults.ts";
import { parseBody, parseCreateRequest } from "../../../src/http/validate.ts";
import * as errors from "../../../src/lifecycle/errors.ts";
import { describeApi } from "../../../src/openapi/document.ts";
import {
  createConversationSchema,
  createItemsSchema,
  updateConversationSchema,
} from "../../../src/protocol/conversation.ts";
import { ProviderCatalog } from "../../../src/providers/catalog.ts";
import { resolveResponse, ROUTES } from "../../support/api-description.ts";
import { oddRequests } from "../../support/odd-requests.ts";

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
      const { error } = value as Partial<ReturnType<errors.ApiError["toEnvelope"]>>;
      return error === undefined ? [] : [{ status, name, code: error.code }];
    });
  });
}

describe("refusals", () => {
  const shown = ROUTES.flatMap(refusalsOf);

  test("each constructor of lifecycle/errors.ts is shown at a route", () => {
    const constructors = Object.keys(errors).filter((name) => !["ApiError", "badRequest"].includes(name));
    // It is what is answered where there is no route.
    const atRoutes = constructors.filter((name) => name !== "invalidUrl");
    expect(atRoutes.filter((name) => !shown.some((refusal) => refusal.name === name))).toEqual([]);
    expect(describeApi().components.responses["UnknownUrl"]?.content).toHaveProperty(
      "application/json.examples.invalidUrl".split("."),
    );
  });

  test("each code of a fault is shown at a route", () => {
    const codes = new Set(shown.map(({ code }) => code));
    expect(FAULT_CODES.filter((code) => !codes.has(code))).toEqual([]);
  });

  const catalog = new ProviderCatalog([{ name: "simulator", kind: "simulator" }]);
  const PARSERS: Record<string, (body: unknown) => unknown> = {
    "/responses": (body) => parseCreateRequest(body, catalog),
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
    expect([...unknown]).toEqual([]);
  });
});

/** Bodies that are not even JSON are `jsonBody`'s. */
function refusalOf(parse: (body: unknown) => unknown, body: Buffer): errors.ApiError | undefined {
  let json: unknown;
  try {
    json = JSON.parse(body.toString());
  } catch {
    return undefined;
  }
  try {
    parse(json);
    return undefined;
  } catch (error) {
    if (error instanceof errors.ApiError) return error;
    throw error;
  }
}
