/** The verification that docs/webhooks.md shows in plain Python accepts what this server signs, and nothing else. */
import { readFile } from "node:fs/promises";
import { loadPyodide } from "pyodide";
import { expect, test } from "vitest";
import { newSigningSecret, signMessage } from "../../src/webhooks/signing-secrets.ts";
import { toWebhookEvent } from "../../src/webhooks/webhook-event.ts";

const guide = await readFile(new URL("../../docs/webhooks.md", import.meta.url), "utf8");
const source = /```python\n((?:(?!```)[^])*def verify\((?:(?!```)[^])*)```/.exec(guide)![1]!;
const python = await loadPyodide();
python.runPython(source);

const nowMs = Date.now();
const body = JSON.stringify(toWebhookEvent({ responseId: "resp_ä", type: "response.completed", endedAtMs: nowMs }));
const [secret, old, foreign] = [newSigningSecret(), newSigningSecret(), newSigningSecret()];
const sign = (secrets: string[], sentAtMs = nowMs) => signMessage({ id: "wh_1", body, sentAtMs }, secrets);

/** Undefined, or the last line of the traceback. */
function verify(received: string, headers: Record<string, string>, key: string): string | undefined {
  python.globals.set("request", python.toPy({ body: received, headers, key }));
  try {
    python.runPython(`verify(request["body"].encode(), request["headers"], request["key"])`);
    return undefined;
  } catch (error) {
    return (error as Error).message.trim().split("\n").at(-1);
  }
}

test("a signature of the secret is accepted, also beside another one", () => {
  expect(verify(body, sign([secret]), secret)).toBeUndefined();
  expect(verify(body, sign([secret, old]), old)).toBeUndefined();
});

test.each<[string, string, Record<string, string>, string, string]>([
  ["another secret", body, sign([secret]), foreign, "No signature matches."],
  ["another body", body.replace("completed", "failed"), sign([secret]), secret, "No signature matches."],
  ["another id", body, { ...sign([secret]), "webhook-id": "wh_2" }, secret, "No signature matches."],
  ["a timestamp of yesterday", body, sign([secret], nowMs - 86_400_000), secret, "The timestamp is too far from now."],
])("%s is rejected", (_name, received, headers, key, error) => {
  expect(verify(received, headers, key)).toBe(`ValueError: ${error}`);
});
