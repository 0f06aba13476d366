/** Every described endpoint over HTTP: its answer, and each error that its description names. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ErrorEnvelope } from "../../src/protocol/error.ts";
import { expectDescribed } from "../support/expect-described.ts";
import { ask, provoke } from "./endpoints/requests.ts";
import { ENDPOINT_ROWS, type EndpointRow, type ErrorRow } from "./endpoints/rows.ts";
import { EndpointWorld } from "./endpoints/world.ts";

/** Between the check of an account and the creation of its key, nothing but another request can delete it. */
const ONLY_IN_A_RACE = new Set([
  "POST /organization/projects/{project_id}/api_keys serviceAccountNotFound",
  "POST /organization/projects/{project_id}/service_accounts serviceAccountNotFound",
]);

let world: EndpointWorld;
beforeAll(async () => {
  world = await EndpointWorld.start();
});
afterAll(async () => await world[Symbol.asyncDispose]());

expectDescribed();

for (const row of ENDPOINT_ROWS) {
  test(`endpoint ${row.name}: is answered as described`, async () => {
    const answer = await ask(world, row);
    expect({ status: answer.status, body: answer.body }).toEqual({ status: 200, body: expect.any(Object) });
  });

  for (const documented of row.errors) {
    if (ONLY_IN_A_RACE.has(`${row.name} ${documented.name}`)) continue;
    test(`endpoint ${row.name}: ${documented.name}`, async () => await expectError(row, documented));
  }
}

async function expectError(row: EndpointRow, documented: ErrorRow): Promise<void> {
  const answer = await provoke(world, row, documented);
  const { error } = answer.body as unknown as ErrorEnvelope;
  const expected = documented.error.toEnvelope().error;
  expect({ status: answer.status, ...error, message: inOutline(error?.message ?? "") }).toEqual({
    status: documented.error.status,
    ...expected,
    message: inOutline(expected.message),
  });
  expect([...answer.headers.keys()]).toEqual(expect.arrayContaining(Object.keys(documented.error.headers)));
}

/** Without the ids, paths and numbers of the occasion. */
function inOutline(message: string): string {
  return message.replaceAll(/'[^']*'|\([A-Z]+ [^)]*\)|\d+/g, "…");
}
