import { expect, test } from "vitest";
import type { CreateRequest } from "../../../src/protocol/create-request.ts";
import { openSecrets, sealSecrets } from "../../../src/responses/request-secrets.ts";
import { ContentSealer } from "../../../src/sealing/content-sealer.ts";
import { silentLogger } from "../../support/storage.ts";

const sealer = new ContentSealer([Buffer.alloc(32, 1)]);
const network_policy = {
  type: "allowlist" as const,
  allowed_domains: ["a.example"],
  domain_secrets: [{ domain: "a.example", name: "KEY", value: "planted-1" }],
};
const REQUEST: CreateRequest = {
  model: "simulator/default",
  tools: [
    { type: "mcp", server_label: "a", authorization: "planted-2", headers: { "X-Key": "planted-3" } },
    { type: "mcp", server_label: "b", headers: null },
    { type: "code_interpreter", container: { type: "auto", network_policy } },
    { type: "shell", environment: { type: "container_auto", network_policy } },
    { type: "function", name: "planted", parameters: {} },
  ],
};

test("what a request brings for its tools to use is sealed, and opened for its project", () => {
  const sealed = sealSecrets(sealer, "alpha", REQUEST);
  expect(JSON.stringify(sealed)).not.toMatch(/planted-\d/);
  expect(openSecrets({ sealer, logger: silentLogger }, "alpha", sealed)).toEqual(REQUEST);
});

test("what cannot be opened any more is left out, and never used as it stands", () => {
  const sealed = sealSecrets(sealer, "alpha", REQUEST);
  const other = { sealer: new ContentSealer([Buffer.alloc(32, 2)]), logger: silentLogger };
  for (const opened of [
    openSecrets(other, "alpha", sealed),
    openSecrets({ sealer, logger: silentLogger }, "beta", sealed),
  ]) {
    expect(JSON.stringify(opened)).not.toContain("brs1.");
    expect(opened.tools![0]).toEqual({ type: "mcp", server_label: "a", headers: {} });
  }
});

test("a request without tools is left as it is", () => {
  const request: CreateRequest = { model: "simulator/default" };
  expect(sealSecrets(sealer, "alpha", request)).toBe(request);
});
