/** What goes wrong, as the SDK shows it to its user. */
import { describe, expect, test } from "vitest";
import { pollToEnd } from "../../support/api-client.ts";
import { type Fixture, KEY } from "../clients/clients.ts";
import { collect, errorOf } from "../clients/requests.ts";
import { callOptions, type Line } from "./lines.ts";

export function testFailures(line: Line, fixture: Fixture): void {
  const { APICallError, generateText, streamText } = line.ai;

  describe("a run that fails", () => {
    test.each([
      ["before its first event", { error: "rate_limit_exceeded" }],
      ["in its middle", { error: "rate_limit_exceeded", fail_after: 12, tokens: 40 }],
    ])("%s: generateText rejects with its message", async (_when, settings) => {
      const error = await errorOf(generateText(callOptions(line, fixture, { ...settings, delay_ms: 0 })));
      expect(APICallError.isInstance(error)).toBe(true);
      expect(error).toMatchObject({ message: expect.stringContaining("as requested") });
    });

    test("before its first event: the stream is an error with its message", async () => {
      const errors: unknown[] = [];
      const options = callOptions(line, fixture, { error: "rate_limit_exceeded", delay_ms: 0 });
      const parts = await collect(
        streamText({ ...options, onError: ({ error }) => void errors.push(error) }).fullStream,
      );
      expect(errors).toMatchObject([{ message: expect.stringContaining("as requested"), statusCode: 429 }]);
      expect(parts).toContainEqual({ type: "error", error: errors[0] });
    });

    test("in its middle: what came is kept, and the stream ends with an error", async () => {
      const errors: unknown[] = [];
      const options = callOptions(line, fixture, { fail_after: 12, tokens: 40, delay_ms: 0 });
      const parts = await collect(
        streamText({ ...options, onError: ({ error }) => void errors.push(error) }).fullStream,
      );
      expect(parts.filter((part) => part.type === "text-delta")).toHaveLength(10);
      expect(errors).toMatchObject([{ message: expect.stringContaining("as requested"), statusCode: 500 }]);
      expect(parts.at(-1)).toMatchObject({ type: "finish", finishReason: "error" });
    });
  });

  test("a refusal is text that ends by a filter", async () => {
    const options = callOptions(line, fixture, { refusal: true, tokens: 6, delay_ms: 0 });
    const { text, finishReason } = await generateText(options);
    expect(text).not.toBe("");
    expect(finishReason).toBe("content-filter");
    const stream = streamText(options);
    await stream.consumeStream();
    expect(await stream.text).toBe(text);
    expect(await stream.finishReason).toBe("content-filter");
  });

  test("an item that was never stored is named", async () => {
    const { prompt, ...options } = callOptions(line, fixture, {});
    const itemId = "msg_nowhere";
    const request = generateText({
      ...options,
      messages: [
        { role: "user", content: prompt },
        { role: "assistant", content: [{ type: "text", text: "Yes?", providerOptions: { openai: { itemId } } }] },
        { role: "user", content: prompt },
      ],
    });
    const error = await errorOf(request);
    expect(APICallError.isInstance(error)).toBe(true);
    expect(error).toMatchObject({ statusCode: 404, message: expect.stringContaining(`'${itemId}' not found`) });
  });

  test("aborting a stream cancels its run", async () => {
    const abort = new AbortController();
    const result = streamText({
      ...callOptions(line, fixture, { hang: true, delay_ms: 0 }),
      abortSignal: abort.signal,
      includeRawChunks: true,
    });
    let id = "";
    let last = "";
    for await (const part of result.fullStream) {
      last = part.type;
      if (part.type === "raw") id ||= (part.rawValue as { response: { id: string } }).response.id;
      if (part.type === "text-delta") abort.abort();
    }
    expect(last).toBe("abort");
    const response = await pollToEnd(fixture.api.url, id, { authorization: `Bearer ${KEY}` });
    expect(response).toMatchObject({ status: "cancelled", output: [{ type: "message", status: "incomplete" }] });
  });

  describe("a bad request", () => {
    const message = "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.";
    const refusal = { statusCode: 400, message, isRetryable: false };

    test("is an APICallError with the server's message", async () => {
      const options = { ...callOptions(line, fixture, {}), temperature: 3 };
      const error = await errorOf(generateText(options));
      expect(APICallError.isInstance(error)).toBe(true);
      expect(error).toMatchObject(refusal);
      expect(error).toMatchObject({ data: { error: { param: "temperature", code: "decimal_above_max_value" } } });
    });

    test("is one in a stream, too", async () => {
      const errors: unknown[] = [];
      const options = { ...callOptions(line, fixture, {}), temperature: 3 };
      await streamText({ ...options, onError: ({ error }) => void errors.push(error) }).consumeStream();
      expect(errors).toMatchObject([refusal]);
    });
  });
}
