/**
 * The contract of tools (workers/tools/tool.ts) as tests. Every implementation runs them, in whole runs against a real
 * Redis.
 */
import { describe, expect, test } from "vitest";
import { ItemGrammar } from "../../src/lifecycle/event-grammar/item-grammar.ts";
import type { ItemEventDraft } from "../../src/protocol/event.ts";
import { newItemId } from "../../src/protocol/id.ts";
import type { OutputItem } from "../../src/protocol/item.ts";
import type { Tool } from "../../src/protocol/tool.ts";
import { AttemptControl } from "../../workers/attempt/attempt.ts";
import type { OpenTool, ServerFunction, CallPresenter, ToolKind, ToolResult } from "../../workers/tools/tool.ts";
import type { Upstream } from "../../workers/upstreams/upstream.ts";
import { openTestStorage } from "../support/storage.ts";
import { createResponse, finalResponse, RecordingUpstream, runOnce, scriptSteps } from "../support/tool-runs.ts";

/** A call as the simulator is scripted to make it. */
interface Step {
  call: string;
  arguments: object;
}

export interface ToolSetup extends AsyncDisposable {
  kind: ToolKind;
  tool: Tool;
  /** The type of the item that shows a call. */
  itemType: OutputItem["type"];
  /** A valid call and a failing one. */
  good: Step;
  bad: Step;
}

/** Far more than needed. */
const PROMPTLY_MS = 5_000;

export function describeTool(name: string, makeSetup: () => Promise<ToolSetup>): void {
  async function run(choose: (setup: ToolSetup) => Step[], spoil = (upstream: Upstream) => upstream) {
    await using setup = await makeSetup();
    await using storage = await openTestStorage();
    const upstream = new RecordingUpstream();
    const id = await createResponse(storage, { tools: [setup.tool], metadata: scriptSteps(choose(setup)) });
    const outcome = await runOnce(
      { storage, kinds: [setup.kind], upstream: spoil(upstream) },
      id,
      new AttemptControl(),
    );
    expect(outcome).toBe("ended");
    const { response } = await finalResponse(storage, id);
    const calls = (response.output as OutputItem[]).filter((item) => item.type === setup.itemType);
    const outputs = upstream.calls.at(-1)!.history.filter((item) => item.type === "function_call_output");
    return { response, calls, outputs, turns: upstream.calls };
  }

  /** Calls `check` with the tool as a run opened it. */
  async function whileOpen(check: (open: OpenTool, setup: ToolSetup) => Promise<void>): Promise<void> {
    await using setup = await makeSetup();
    await using storage = await openTestStorage();
    const { types } = setup.kind;
    const checking: ToolKind = {
      types,
      open: async (tool, session) => {
        const open = await setup.kind.open(tool, session);
        await check(open, setup);
        return open;
      },
    };
    expect.hasAssertions();
    const request = { tools: [setup.tool], tool_choice: "none" as const, metadata: scriptSteps() };
    const id = await createResponse(storage, request);
    await runOnce({ storage, kinds: [checking], upstream: new RecordingUpstream() }, id, new AttemptControl());
    expect((await finalResponse(storage, id)).response.status).toBe("completed");
  }

  describe(`${name}, as every tool of this server,`, () => {
    test("has functions with names and parameters that every provider accepts", async () => {
      await whileOpen(async ({ functions }) => {
        expect(functions.length).toBeGreaterThan(0);
        for (const { definition } of functions) {
          expect(definition.name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
          expect(definition.description).toEqual(expect.any(String));
          expect(definition.parameters).toMatchObject({ type: "object" });
        }
      });
    });

    test("shows a call, and sends its output to the model", async () => {
      const { response, calls, outputs, turns } = await run(({ good }) => [good]);
      expect(response.status).toBe("completed");
      expect(calls).toHaveLength(1);
      expect(calls[0]!.status ?? "completed").toBe("completed");
      expect(turns).toHaveLength(2);
      expect(outputs).toHaveLength(1);
      expect(outputs[0]).toHaveProperty("output");
      expect(JSON.stringify(outputs[0])).not.toContain('"output":""');
    });

    test("turns a failed call into an item and a message, not a failed response", async () => {
      const { response, calls, outputs } = await run(({ bad, good }) => [bad, good]);
      expect(response.status).toBe("completed");
      expect(calls).toHaveLength(2);
      expect(outputs).toHaveLength(2);
      expect(JSON.stringify(outputs[0])).not.toContain('"output":""');
    });

    test("shows a call with invalid JSON arguments", async () => {
      const { response, calls, outputs } = await run(({ good }) => [good], withBrokenArguments);
      expect(response.status).toBe("completed");
      expect(calls).toHaveLength(1);
      expect(outputs[0]).toMatchObject({ output: expect.stringContaining("not a JSON object") });
    });

    test("does not start a call aborted before", async () => {
      await whileOpen(async ({ functions }, { good }) => {
        const fn = functions.find(({ definition }) => definition.name === good.call)!;
        const call = { callId: "call_1", name: good.call, arguments: JSON.stringify(good.arguments) };
        const reason = new Error("stopped before it began");
        const startedAt = performance.now();
        const options = { signal: AbortSignal.abort(reason), reportProgress: () => {} };
        await expect(fn.run(call, options)).rejects.toBe(reason);
        expect(performance.now() - startedAt).toBeLessThan(PROMPTLY_MS);
      });
    });

    test("shows a replayed result in legal order", async () => {
      await whileOpen(async ({ functions }, { good }) => {
        const json = JSON.stringify(good.arguments);
        for (const isError of [false, true]) {
          const result: ToolResult = { output: "From another time.", isError, details: { of: "an older version" } };
          for (const fn of functions)
            expectLegal(fn, (presenter) => [...presenter.begin(json), ...presenter.end(result)], json);
        }
      });
    });
  });
}

/** A model whose arguments break off. */
function withBrokenArguments(upstream: Upstream): Upstream {
  return {
    run: async function* (call, signal) {
      for await (const event of upstream.run(call, signal)) {
        if (event.type === "response.output_item.done" && event.item.type === "function_call") {
          yield { ...event, item: { ...event.item, arguments: '{"unfinished' } };
        } else if (!event.type.startsWith("response.function_call_arguments")) yield event;
      }
    },
  };
}

function expectLegal(fn: ServerFunction, rest: (presenter: CallPresenter) => ItemEventDraft[], json: string): void {
  const presenter = fn.presentCall({ itemId: newItemId(fn.itemType), output_index: 0 });
  const grammar = new ItemGrammar();
  for (const event of [...presenter.open(), ...presenter.delta(json), ...rest(presenter)]) grammar.accept(event);
  grammar.checkAllDone({ type: "finish" });
  expect(grammar.done).toMatchObject([{ type: fn.itemType }]);
}
