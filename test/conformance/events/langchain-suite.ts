/** Every item through LangChain's ChatOpenAI, whole and streamed, and the part that is sent back. */
import type { AIMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { describe, expect, test } from "vitest";
import { EVERY_KIND, type Kind } from "../../support/every-item.ts";
import { type Fixture, KEY } from "../clients/clients.ts";
import { errorOf } from "../clients/requests.ts";
import { modelOf, NEWER_MODEL, SPARSE_MODEL } from "./provider.ts";

/** Fields that a streamed message loses: the next request does not send them back either. */
const LOST_IN_STREAMS = new Set<Kind>([
  "function_call_output",
  "custom_tool_call_output",
  "computer_call_output",
  "local_shell_call_output",
  "shell_call_output",
  "apply_patch_call",
  "apply_patch_call_output",
  "mcp_approval_response",
  "additional_tools",
  "compaction",
  "program",
  "program_output",
]);

export function testLangChain(fixture: Fixture): void {
  function open(model: string, streaming: boolean): ChatOpenAI {
    const options = { model, apiKey: KEY, useResponsesApi: true, streaming, maxRetries: 0 };
    return new ChatOpenAI({ ...options, configuration: { baseURL: fixture.api.url } });
  }

  async function ask(model: string, streaming: boolean): Promise<AIMessage> {
    return await open(model, streaming).invoke("Hello");
  }

  test.each(EVERY_KIND)("output item %s: is in one answer", async (kind) => {
    const message = await ask(modelOf([kind]), false);
    expect(message.response_metadata).toMatchObject({ status: "completed" });
    expect(isEmpty(message)).toBe(false);
  });

  test.each(EVERY_KIND)("output item %s: is in a stream", async (kind) => {
    const message = await ask(modelOf([kind]), true);
    expect(message.response_metadata).toMatchObject({ status: "completed" });
    expect(isEmpty(message)).toBe(LOST_IN_STREAMS.has(kind));
  });

  test.each([false, true])("omitted and newer fields are accepted; streamed: %s", async (streaming) => {
    expect((await ask(SPARSE_MODEL, streaming)).text).toBe("Hi");
    expect((await ask(NEWER_MODEL, streaming)).response_metadata).toMatchObject({ status: "completed" });
  });

  test("an unknown item is sent back unchanged, and rejected", async () => {
    const message = await ask(NEWER_MODEL, false);
    const error = await errorOf(open(modelOf(["message"]), false).invoke(["Hello", message]));
    expect(error).toMatchObject({ status: 400, message: expect.stringContaining("'time_travel_call'") });
  });

  describe("a run that fails", () => {
    const model = modelOf(["message"], "failed");

    test("rejects without a stream", async () => {
      expect(await errorOf(ask(model, false))).toMatchObject({ name: "server_error", message: "It broke." });
    });

    // It skips `response.failed`, so the only trace is a message without a status.
    test("leaves its partial message in a stream, without a status", async () => {
      const message = await ask(model, true);
      expect(message.text).toBe("Herons");
      expect(message.response_metadata["status"]).toBeUndefined();
    });
  });
}

function isEmpty({ content, tool_calls, additional_kwargs }: AIMessage): boolean {
  const { tool_outputs, reasoning } = additional_kwargs;
  return content.length === 0 && tool_calls?.length === 0 && tool_outputs === undefined && reasoning === undefined;
}
