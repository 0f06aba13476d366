/** Effects of parameters that the response alone does not show: on its delivery, storage and continuation. */
import { expect, test } from "vitest";
import { pollToEnd } from "../../support/api-client.ts";
import { type EchoServer, VALID } from "./server.ts";

type Server = () => EchoServer;

const roles = (input: unknown) => (input as { role: string }[]).map(({ role }) => role);

export function testEffects(server: Server): void {
  const idOf = async (fields: object): Promise<string> => String((await server().accepted(fields)).shown["id"]);

  const events = async (fields: object): Promise<string> => {
    const init = { method: "POST", body: JSON.stringify({ ...VALID, ...fields }) };
    return await (await fetch(`${server().url}/responses`, init)).text();
  };

  test("param previous_response_id: the provider receives the history", async () => {
    const previous_response_id = await idOf({});
    const { shown, sent } = await server().accepted({ previous_response_id });
    expect(shown).toMatchObject({ previous_response_id });
    expect(roles(sent["input"])).toEqual(["user", "assistant", "user"]);
  });

  test("param conversation: its items precede the input, by id and as an object", async () => {
    const { body } = await server().send("POST", "/conversations", { items: [{ role: "user", content: "Before" }] });
    const id = String(body["id"]);
    const first = await server().accepted({ conversation: id });
    expect(first.shown).toMatchObject({ conversation: { id } });
    expect(roles(first.sent["input"])).toEqual(["user", "user"]);
    const second = await server().accepted({ conversation: { id } });
    expect(roles(second.sent["input"])).toEqual(["user", "user", "assistant", "user"]);
  });

  test("param stream: true returns events, false one object", async () => {
    expect(await events({ stream: true })).toMatch(/^id: 0\nevent: response\.created\n/);
    expect((await server().post({ stream: false })).body).toMatchObject({ object: "response" });
  });

  test("param stream_options: deltas are padded on request", async () => {
    const padded = await events({ stream: true, stream_options: { include_obfuscation: true } });
    const plain = await events({ stream: true, stream_options: { include_obfuscation: false } });
    expect([padded, plain].map((text) => text.includes('"obfuscation":"'))).toEqual([true, false]);
  });

  test("param background: true returns at once, and the run continues", async () => {
    const { body } = await server().post({ background: true });
    expect(body).toMatchObject({ status: "queued", background: true });
    expect((await pollToEnd(server().url, String(body["id"]))).status).toBe("completed");
    expect((await server().accepted({ background: false })).shown).toMatchObject({ background: false });
  });

  test("param store: false cannot be read again, true and null can; the provider stores nothing", async () => {
    for (const [store, status] of [
      [false, 404],
      [true, 200],
      [null, 200],
    ] as const) {
      const { shown, sent } = await server().accepted({ store });
      expect(shown).toMatchObject({ store: store ?? true });
      expect(sent).toMatchObject({ store: false });
      expect((await server().send("GET", `/responses/${String(shown["id"])}`)).status).toBe(status);
    }
  });

  test("param metadata: is stored with the response", async () => {
    const metadata = { topic: "herons" };
    const { body } = await server().send("GET", `/responses/${await idOf({ metadata })}`);
    expect(body).toMatchObject({ metadata });
  });

  test("param context_management: a threshold below 1,000 is rejected", async () => {
    const context_management = [{ type: "compaction", compact_threshold: 999 }];
    const { body } = await server().post({ context_management });
    expect(body).toMatchObject({
      error: { param: "context_management[0].compact_threshold", code: "integer_below_min_value" },
    });
  });
}
