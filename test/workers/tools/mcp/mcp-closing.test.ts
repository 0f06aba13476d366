/** The connections and processes of a server after a response ends, and the requests of a resumed run. */
import { describe, expect, test } from "vitest";
import { readConfig } from "../../../../src/config/config.ts";
import { AttemptControl } from "../../../../workers/attempt/attempt.ts";
import { openMcpKind } from "../../../../workers/tools/mcp/mcp.ts";
import { call, mcpTool, runMcp, describeItems } from "../../../support/mcp-runs.ts";
import { startMcpServer, textResult } from "../../../support/mcp-server.ts";
import { pollUntil } from "../../../support/poll-until.ts";
import { useMcpFolder } from "../../../support/mcp-fixtures.ts";
import { isAlive, stubbornServer } from "../../../support/stubborn-server.ts";
import { createResponse, finalResponse, RecordingUpstream, runOnce, scriptSteps } from "../../../support/tool-runs.ts";

const { storage, folder } = await useMcpFolder();

describe("after a response ends", () => {
  test("its session and its connections are closed", async () => {
    await using server = await startMcpServer();
    const request = {
      tools: [mcpTool({ server_url: server.url })],
      metadata: scriptSteps(call("srv__look", { x: 1 })),
    };
    await runMcp(storage, request);
    await server.until(() => server.openConnections === 0);
    expect(server.methods.at(-1)).toBe("DELETE");
  });

  test("by a cancel, its call is cancelled and the connection closed", async () => {
    const cancelled = Promise.withResolvers<void>();
    const run = async (_args: object, signal: AbortSignal) => {
      signal.addEventListener("abort", () => cancelled.resolve());
      control.stop("cancelled");
      await cancelled.promise;
      return textResult("late");
    };
    await using server = await startMcpServer({ tools: { change: { run } } });
    const control = new AttemptControl();
    const metadata = scriptSteps(call("srv__change", { x: 1 }));
    const id = await createResponse(storage, { tools: [mcpTool({ server_url: server.url })], metadata });
    const kinds = [openMcpKind(readConfig({ FETCH_ALLOWED_HOSTS: "127.0.0.1" }))];
    expect(await runOnce({ storage, kinds, upstream: new RecordingUpstream() }, id, control)).toBe("lost");
    await cancelled.promise;
    await server.until(() => server.openConnections === 0);
  });

  test("a server's processes exit, even unresponsive ones", async () => {
    const { file, pids } = await stubbornServer(folder);
    const control = new AttemptControl();
    const id = await createResponse(storage, { tools: [mcpTool({})] });
    const kinds = [openMcpKind(readConfig({ MCP_SERVERS_FILE: file, PATH: process.env["PATH"]! }))];
    const running = runOnce({ storage, kinds, upstream: new RecordingUpstream() }, id, control);
    const [leader, child] = await pids();
    expect([leader, child].filter(isAlive)).toHaveLength(2);
    control.stop("cancelled");
    await running;
    await pollUntil(() => !isAlive(-leader));
    expect(isAlive(child)).toBe(false);
  });
});

test("a resumed run does not ask a failed server again", async () => {
  await using server = await startMcpServer({
    intercept: (_request, response) => {
      response.writeHead(500).end();
      return true;
    },
  });
  const id = await createResponse(storage, { tools: [mcpTool({ server_url: server.url })] });
  const kinds = [openMcpKind(readConfig({ FETCH_ALLOWED_HOSTS: "127.0.0.1" }))];
  const control = new AttemptControl();
  const upstream = new RecordingUpstream();
  const dying = {
    run: (...[upstreamCall, signal]: Parameters<RecordingUpstream["run"]>) => {
      control.stop("drain");
      return upstream.run(upstreamCall, signal);
    },
  };
  expect(await runOnce({ storage, kinds, upstream: dying }, id, control)).toBe("handed-over");
  expect(await runOnce({ storage, kinds, upstream }, id, new AttemptControl())).toBe("ended");
  const { response } = await finalResponse(storage, id);
  expect(describeItems(response.output)).toEqual([expect.stringContaining("list  ! "), "message"]);
});
