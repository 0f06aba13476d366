/** The effect of each parameter on the response and the provider's request, and its invalid values. */
import { expect, test } from "vitest";
import { PARAMETERS } from "./parameters.ts";
import type { Accepted, Rejected } from "./rows.ts";
import type { EchoServer } from "./server.ts";

type Server = () => EchoServer;

export async function expectAccepted(server: EchoServer, { fields, shown = fields, sent = fields }: Accepted) {
  const run = await server.accepted(fields);
  expect(run.shown).toMatchObject(shown);
  expect(run.sent).toMatchObject(sent ?? {});
  const unsent = sent === null ? Object.keys(fields) : [];
  expect(Object.keys(run.sent).filter((name) => unsent.includes(name))).toEqual([]);
}

export async function expectRejected(server: EchoServer, { fields, param, code, message }: Rejected) {
  const { status, body } = await server.post(fields);
  expect(body).toEqual({ error: { type: "invalid_request_error", param, code, message } });
  expect(status).toBe(400);
}

export function testParameters(server: Server): void {
  const rows = Object.entries(PARAMETERS);

  test.each(rows.filter(([, { accepted }]) => accepted.length > 0))(
    "param %s: takes effect up to its limits",
    async (_name, { accepted }) => {
      for (const each of accepted) await expectAccepted(server(), each);
    },
  );

  test.each(rows)("param %s: is rejected beyond its limits", async (_name, { rejected }) => {
    for (const each of rejected) await expectRejected(server(), each);
  });
}
