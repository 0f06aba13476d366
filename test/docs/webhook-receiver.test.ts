/** The receiver that docs/webhooks.md shows in JavaScript accepts signed webhooks and no others. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { newSigningSecret, signMessage } from "../../src/webhooks/signing-secrets.ts";
import { toWebhookEvent } from "../../src/webhooks/webhook-event.ts";

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

test("the guide's receiver verifies what it prints", async () => {
  const guide = await readFile(new URL("../../docs/webhooks.md", import.meta.url), "utf8");
  const source = /```ts\n((?:(?!```)[^])*createServer(?:(?!```)[^])*)```/.exec(guide)![1]!;
  const port = await findFreePort();
  const secret = newSigningSecret();
  const listening = source.replace("listen(3000)", `listen(${port}, () => console.log("listening"))`);
  expect(listening).toContain("listening");
  const receiver = spawn(process.execPath, ["--input-type=module-typescript", "--eval", listening], {
    cwd: new URL("../..", import.meta.url),
    env: { ...process.env, WEBHOOK_SECRET: secret },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const lines = createInterface(receiver.stdout)[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe("listening");
    const body = JSON.stringify(
      toWebhookEvent({ responseId: "resp_1", type: "response.completed", endedAtMs: Date.now() }),
    );
    const post = async (key: string) => {
      const headers = signMessage({ id: "wh_1", body, sentAtMs: Date.now() }, [key]);
      return (await fetch(`http://127.0.0.1:${port}/`, { method: "POST", headers, body })).status;
    };
    expect(await post(newSigningSecret())).toBe(400);
    expect(await post(secret)).toBe(204);
    expect((await lines.next()).value).toBe("resp_1");
  } finally {
    receiver.kill();
    await once(receiver, "exit");
  }
});
