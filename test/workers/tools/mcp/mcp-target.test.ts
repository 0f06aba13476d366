/** The address of the server for a request's tool, and the headers sent to it. */
import { expect, test } from "vitest";
import { readConfig } from "../../../../src/config/config.ts";
import { findTarget } from "../../../../workers/tools/mcp/find-server.ts";
import { mcpTool } from "../../../support/mcp-runs.ts";

const CONFIG = {
  ...readConfig({ WIKI_TOKEN: "of-the-operator" }),
  mcpServers: {
    servers: { wiki: { url: "http://10.0.0.7/mcp", headers_env: { Authorization: "WIKI_TOKEN", "X-Unset": "UNSET" } } },
    connectors: {},
  },
};

test("a request sets only what the operator does not", () => {
  const headers = { AUTHORIZATION: "of the client", "X-Unset": "of the client", "X-Team": "search" };
  expect(findTarget(mcpTool({ server_label: "wiki", headers, authorization: "of-the-client" }), CONFIG)).toEqual({
    kind: "remote",
    url: "http://10.0.0.7/mcp",
    isGuarded: false,
    headers: { authorization: "of-the-operator", "x-unset": "of the client", "x-team": "search" },
  });
});

test("a request cannot set the connection's own headers", () => {
  const headers = { Host: "inside", "Content-Length": "0", "Mcp-Session-Id": "another's", "X-Team": "search" };
  expect(findTarget(mcpTool({ server_url: "https://mcp.example", headers }), CONFIG)).toEqual({
    kind: "remote",
    url: "https://mcp.example",
    isGuarded: true,
    headers: { "x-team": "search" },
  });
});
