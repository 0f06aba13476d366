/** Where the server of a request's tool is, and what is sent there. */
import { expect, test } from "vitest";
import { readConfig } from "../../../../src/config/config.ts";
import { findTarget } from "../../../../workers/tools/mcp/target.ts";
import { mcpTool } from "../../../support/mcp-runs.ts";

const CONFIG = {
  ...readConfig({ WIKI_TOKEN: "of-the-operator" }),
  mcpServers: {
    servers: { wiki: { url: "http://10.0.0.7/mcp", headers_env: { Authorization: "WIKI_TOKEN", "X-Unset": "UNSET" } } },
    connectors: {},
  },
};

test("what the operator sets is not overruled by a request, and what it does not is the request's", () => {
  const headers = { AUTHORIZATION: "of the client", "X-Unset": "of the client", "X-Team": "search" };
  expect(findTarget(mcpTool({ server_label: "wiki", headers, authorization: "of-the-client" }), CONFIG)).toEqual({
    kind: "remote",
    url: "http://10.0.0.7/mcp",
    isGuarded: false,
    headers: { authorization: "of-the-operator", "x-unset": "of the client", "x-team": "search" },
  });
});

test("headers that belong to the connection are not a request's to set", () => {
  const headers = { Host: "inside", "Content-Length": "0", "Mcp-Session-Id": "another's", "X-Team": "search" };
  expect(findTarget(mcpTool({ server_url: "https://mcp.example", headers }), CONFIG)).toEqual({
    kind: "remote",
    url: "https://mcp.example",
    isGuarded: true,
    headers: { "x-team": "search" },
  });
});
