import { expect, test } from "vitest";
import { addressedServers, continueWith } from "../../../../../src/console/page/approvals/approval-request.ts";
import { createRequestSchema } from "../../../../../src/protocol/create-request.ts";
import { sampleResponse } from "../../../../support/samples.ts";

const tool = { type: "mcp" as const, server_label: "srv", server_url: "https://a.example/mcp" };
const response = sampleResponse({ tools: [tool], instructions: "Be brief.", metadata: { a: "b" } });

test("a decision continues the response as it was asked", () => {
  const request = continueWith(response, new Map([["mcpr_1", { approve: false, reason: "No." }]]), [
    { label: "srv", url: "https://a.example/mcp", token: "token" },
  ]);
  expect(createRequestSchema.safeParse(request).error?.issues).toBeUndefined();
  expect(request).toMatchObject({
    previous_response_id: response.id,
    background: true,
    instructions: "Be brief.",
    metadata: { a: "b" },
    tools: [{ server_label: "srv", server_url: "https://a.example/mcp", authorization: "token" }],
    input: [{ type: "mcp_approval_response", approval_request_id: "mcpr_1", approve: false, reason: "No." }],
  });
});

test("a conversation is continued by its id", () => {
  const inConversation = { ...response, conversation: { id: "conv_1" } };
  const request = continueWith(inConversation, new Map([["mcpr_1", { approve: true }]]), []);
  expect(request).toMatchObject({ conversation: "conv_1" });
  expect(request).not.toHaveProperty("previous_response_id");
});

test("servers are shown by the origin of their URL", () => {
  expect(addressedServers(response)).toEqual([{ label: "srv", url: "https://a.example", token: "" }]);
});
