/** Errors as an official client shows them to its user. */
import { beforeAll, describe, expect, test } from "vitest";
import type OpenAI from "openai";
import { type Fixture, type OfficialClient, openClient, OTHER_KEY } from "./clients.ts";
import { errorOf, pollToTheEnd, simulator } from "./requests.ts";

export function testErrors(official: OfficialClient, fixture: Fixture): void {
  const classes = official.OpenAI;
  let client: OpenAI;

  beforeAll(() => {
    client = openClient(official, fixture);
  });

  describe("BadRequestError", () => {
    const request = simulator({ tokens: 1, delay_ms: 0 });

    test.each([
      ["a value of the wrong type", { input: 7 }, "input", "invalid_type"],
      ["a number out of range", { temperature: 3 }, "temperature", "decimal_above_max_value"],
      ["an unknown parameter", { temprature: 1 }, "temprature", "unknown_parameter"],
      ["a nested field", { input: [{ role: "user" }] }, "input[0].content", "missing_required_parameter"],
      [
        "an unknown predecessor",
        { previous_response_id: "resp_1" },
        "previous_response_id",
        "previous_response_not_found",
      ],
    ])("%s", async (_what, fields, param, code) => {
      const body = { ...request, ...fields } as OpenAI.Responses.ResponseCreateParamsNonStreaming;
      const error = await errorOf(client.responses.create(body));
      expect(error).toBeInstanceOf(classes.BadRequestError);
      expect(error).toMatchObject({ status: 400, param, code, type: "invalid_request_error" });
      expect(error).toMatchObject({ requestID: expect.stringMatching(/^req_/) });
    });

    test("a streamed request is rejected like any other", async () => {
      const body = { ...request, temperature: 3, stream: true } as const;
      for (const request of [
        () => client.responses.create(body),
        () => client.responses.stream(body).finalResponse(),
      ]) {
        const error = await errorOf(request());
        expect(error).toBeInstanceOf(classes.BadRequestError);
        expect(error).toMatchObject({ param: "temperature" });
      }
    });

    test("a cursor beyond the last event is rejected", async () => {
      const { id } = await client.responses.create(request);
      const error = await errorOf(client.responses.retrieve(id, { stream: true, starting_after: 999 }));
      expect(error).toBeInstanceOf(classes.BadRequestError);
      expect(error).toMatchObject({ param: "starting_after", code: "invalid_value" });
    });

    test("cancelling rejects ended and foreground responses", async () => {
      const background = await client.responses.create({ ...request, background: true });
      await pollToTheEnd(client, background.id);
      const foreground = await client.responses.create(request);
      for (const [id, message] of [
        [background.id, "400 Cannot cancel a completed response."],
        [foreground.id, "400 Cannot cancel a synchronous response."],
      ] as const) {
        const error = await errorOf(client.responses.cancel(id));
        expect(error).toBeInstanceOf(classes.BadRequestError);
        expect(error).toMatchObject({ message });
      }
    });
  });

  test("AuthenticationError: a wrong key", async () => {
    const stranger = openClient(official, fixture, { apiKey: "key-of-nobody" });
    for (const request of [() => stranger.models.list(), () => stranger.responses.create(simulator({}))]) {
      const error = await errorOf(request());
      expect(error).toBeInstanceOf(classes.AuthenticationError);
      expect(error).toMatchObject({ status: 401, code: "invalid_api_key" });
    }
  });

  test("NotFoundError: an unknown model", async () => {
    for (const request of [
      () => client.models.retrieve("nobody/none"),
      () => client.responses.create({ model: "nobody/none", input: "Hello", background: true }),
    ]) {
      const error = await errorOf(request());
      expect(error).toBeInstanceOf(classes.NotFoundError);
      expect(error).toMatchObject({ status: 404, code: "model_not_found" });
    }
  });

  test("NotFoundError: another project's response", async () => {
    const { id } = await client.responses.create(simulator({ tokens: 1, delay_ms: 0 }));
    const other = openClient(official, fixture, { apiKey: OTHER_KEY });
    const error = await errorOf(other.responses.retrieve(id));
    expect(error).toBeInstanceOf(classes.NotFoundError);
    expect(error).toMatchObject({ message: `404 Response with id '${id}' not found.` });
    expect((await client.responses.retrieve(id)).id).toBe(id);
  });

  test("UnprocessableEntityError: an idempotency key with another body", async () => {
    const headers = { "Idempotency-Key": `key-${crypto.randomUUID()}` };
    const body = { ...simulator({ tokens: 1, delay_ms: 0 }), background: true };
    const first = await client.responses.create(body, { headers });
    expect((await client.responses.create(body, { headers })).id).toBe(first.id);
    const error = await errorOf(client.responses.create({ ...body, input: "Other" }, { headers }));
    expect(error).toBeInstanceOf(classes.UnprocessableEntityError);
    expect(error).toMatchObject({ status: 422, code: "idempotency_key_reuse" });
  });
}
