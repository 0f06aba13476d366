import { expect, test } from "vitest";
import type { InputItem } from "../../../../src/protocol/item.ts";
import type { Tool } from "../../../../src/protocol/tool.ts";
import type { CreateRequest } from "../../../../src/protocol/create-request.ts";
import { unsealSecrets, rejectSecrets, sealSecrets } from "../../../../src/responses/content/request-secrets.ts";
import { ContentSealer } from "../../../../src/sealing/content-sealer.ts";

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
    { type: "mcp", server_label: "b", headers: null, server_url: "https://a.example/planted-4/mcp?key=planted-5" },
    { type: "code_interpreter", container: { type: "auto", network_policy } },
    { type: "shell", environment: { type: "container_auto", network_policy } },
    { type: "function", name: "planted", parameters: {} },
  ],
};

test("a request's secrets are sealed, and opened for its project", async () => {
  const sealed = await sealSecrets(sealer, "alpha", REQUEST);
  expect(JSON.stringify(sealed)).not.toMatch(/planted-\d/);
  expect(await unsealSecrets({ sealer }, "alpha", sealed)).toEqual(REQUEST);
});

test("a secret that cannot be opened is left out, never used sealed", async () => {
  const sealed = await sealSecrets(sealer, "alpha", REQUEST);
  const other = { sealer: new ContentSealer([Buffer.alloc(32, 2)]) };
  for (const opened of [await unsealSecrets(other, "alpha", sealed), await unsealSecrets({ sealer }, "beta", sealed)]) {
    expect(JSON.stringify(opened)).not.toContain("brs1.");
    expect(opened.tools![0]).toEqual({ type: "mcp", server_label: "a", headers: {} });
    // Without a URL, the worker would use the operator's server of this label.
    expect(opened.tools![1]).toMatchObject({ server_url: "https://unreadable.invalid/" });
  }
});

test("a URL stored in plain text by an older release is used", async () => {
  const request: CreateRequest = { tools: [{ type: "mcp", server_label: "b", server_url: "https://a.example/mcp" }] };
  expect(await unsealSecrets({ sealer }, "alpha", request)).toEqual(request);
});

test("a request without tools is unchanged", async () => {
  const request: CreateRequest = { model: "simulator/default" };
  expect(await sealSecrets(sealer, "alpha", request)).toBe(request);
});

test.each([
  [0, "authorization", { type: "mcp", server_label: "a", authorization: "planted" }],
  [1, "headers.X-Key", { type: "mcp", server_label: "a", headers: { "X-Key": "planted" } }],
  [
    0,
    "container.network_policy.domain_secrets[0].value",
    { type: "code_interpreter", container: { type: "auto", network_policy } },
  ],
  [
    1,
    "environment.network_policy.domain_secrets[0].value",
    { type: "shell", environment: { type: "container_auto", network_policy } },
  ],
] as const)("a tool in an item may have no secret (%i, %s)", (index, path, tool: Tool) => {
  const harmless: Tool = { type: "mcp", server_label: "b", headers: null, server_url: "https://a.example/mcp" };
  const tools = index === 0 ? [tool] : [harmless, tool];
  for (const item of [
    { type: "additional_tools", role: "developer", tools },
    { type: "tool_search_output", tools },
  ] as const satisfies InputItem[]) {
    const param = `input[1].tools[${index}].${path}`;
    expect(() => rejectSecrets([{ type: "compaction_trigger" }, item], "input")).toThrow(
      expect.objectContaining({ status: 400, param, message: expect.not.stringContaining("planted") }),
    );
  }
  expect(() =>
    rejectSecrets([{ type: "additional_tools", role: "developer", tools: [harmless] }], "input"),
  ).not.toThrow();
});
