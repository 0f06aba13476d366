/** Which requests may have a completion window, by the published conditions (contract.md#completion-windows). */
import { describe, expect, test } from "vitest";
import { ApiError } from "../../../src/lifecycle/errors/api-error.ts";
import { checkCompletionWindow } from "../../../src/lifecycle/completion-window.ts";
import type { CreateRequest } from "../../../src/protocol/create-request.ts";

const PARAM = "background_options.completion_window";

function errorOf(request: CreateRequest): ApiError | undefined {
  try {
    checkCompletionWindow(request);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  return undefined;
}

describe.each(["2h", "8h"] as const)("%s", (completion_window) => {
  const request: CreateRequest = { background: true, background_options: { completion_window } };

  test.each<[string, CreateRequest]>([
    ["background alone", {}],
    ["nulls", { service_tier: null, stream: null }],
    ["service_tier auto", { service_tier: "auto" }],
    ["service_tier default", { service_tier: "default" }],
    ["stream: false", { stream: false }],
    ["store: false", { store: false }],
  ])("is accepted with %s", (_name, fields) => {
    expect(errorOf({ ...request, ...fields })).toBeUndefined();
  });

  test.each<[CreateRequest, string]>([
    [{ background: false }, "without 'background': true"],
    [{ background: null }, "without 'background': true"],
    [{ service_tier: "flex" }, "with 'service_tier': 'flex'"],
    [{ service_tier: "scale" }, "with 'service_tier': 'scale'"],
    [{ service_tier: "priority" }, "with 'service_tier': 'priority'"],
    [{ service_tier: "fast" }, "with 'service_tier': 'fast'"],
    [{ service_tier: "ultrafast" }, "with 'service_tier': 'ultrafast'"],
    [{ stream: true }, "with 'stream': true"],
    // The first of several errors.
    [{ background: false, service_tier: "flex", stream: true }, "without 'background': true"],
    [{ service_tier: "flex", stream: true }, "with 'service_tier': 'flex'"],
  ])("is rejected with %j", (fields, condition) => {
    expect(errorOf({ ...request, ...fields })).toMatchObject({
      status: 400,
      param: PARAM,
      code: "unsupported_value",
      message: `Unsupported value: '${PARAM}' does not support '${completion_window}' ${condition}.`,
    });
  });
});

test.each([{ completion_window: "soonest" as const }, { completion_window: null }, {}, null])(
  "%j has no conditions",
  (background_options) => {
    const others = { background: false, service_tier: "flex" as const, stream: true };
    expect(errorOf({ ...others, background_options })).toBeUndefined();
  },
);
