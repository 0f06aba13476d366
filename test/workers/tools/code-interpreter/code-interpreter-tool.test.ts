/** The code interpreter as a tool of responses: its events, its stored state, and its state after a crash. */
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readConfig } from "../../../../src/config/config.ts";
import { containerIdFor, newId } from "../../../../src/protocol/id.ts";
import type { ResolvedRequest } from "../../../../src/protocol/create-request.ts";
import type { OutputItem, StoredInputItem } from "../../../../src/protocol/item.ts";
import type { Response } from "../../../../src/protocol/response.ts";
import { AttemptControl } from "../../../../workers/attempt/attempt.ts";
import { MAX_CALL_CHARACTERS } from "../../../../workers/turn/context/truncate-output.ts";
import { INTERRUPTED } from "../../../../workers/tools/execute-calls.ts";
import type { ToolKind } from "../../../../workers/tools/tool.ts";
import { openCodeInterpreterKind } from "../../../../workers/tools/code-interpreter/code-interpreter.ts";
import type { Storage } from "../../../../src/responses/storage.ts";
import type { ContainerChange } from "../../../../src/store/containers.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";
import {
  type PriorContext,
  createResponse,
  finalResponse,
  RecordingUpstream,
  runOnce,
  scriptSteps,
} from "../../../support/tool-runs.ts";

/** An interpreter takes seconds to start, and several times that on a busy machine. */
vi.setConfig({ testTimeout: 240_000 });

type CodeCall = Extract<OutputItem, { type: "code_interpreter_call" }>;

const CONFIG = readConfig({ CODE_INTERPRETER_TIMEOUT_MS: "5000", CODE_INTERPRETER_PROCESSES: "2" });
const AUTO = { type: "code_interpreter" as const, container: { type: "auto" as const } };
const PNG = "b'\\x89PNG\\r\\n\\x1a\\n' + b'rest'";
const python = (code: string) => ({ call: "python", arguments: { code } });

let storage: TestStorage;
let kind: ToolKind;
beforeAll(async () => {
  storage = await openTestStorage();
  kind = openCodeInterpreterKind(CONFIG);
});
afterAll(async () => {
  await kind[Symbol.asyncDispose]?.();
  await storage[Symbol.asyncDispose]();
});

interface Run {
  id: string;
  response: Response;
  log: string[];
  calls: CodeCall[];
  upstream: RecordingUpstream;
}

async function run(
  cells: readonly (object | object[])[],
  options: { request?: Partial<ResolvedRequest>; before?: PriorContext; kind?: ToolKind; storage?: Storage } = {},
): Promise<Run> {
  const request = { tools: [AUTO], include: ["code_interpreter_call.outputs" as const], ...options.request };
  const id = await createResponse(storage, { ...request, metadata: scriptSteps(...cells) }, options.before);
  const upstream = new RecordingUpstream();
  await runOnce(
    { storage: options.storage ?? storage, kinds: [options.kind ?? kind], upstream },
    id,
    new AttemptControl(),
  );
  return { id, upstream, ...(await ended(id)) };
}

async function ended(id: string) {
  const { response, log } = await finalResponse(storage, id);
  const output: readonly OutputItem[] = response.output;
  return { response, log, calls: output.filter((item) => item.type === "code_interpreter_call") };
}

const logsOf = ({ outputs }: CodeCall) =>
  (outputs ?? []).map((output) => (output.type === "logs" ? output.logs : output.url.slice(0, 22))).join("");
const outputsOf = ({ upstream }: Run) =>
  upstream.calls.at(-1)!.history.flatMap((item) => (item.type === "function_call_output" ? [item.output] : []));

describe("a call", () => {
  test("streams its code, then its output", async () => {
    const code = "x = 'a \\\"🐍\\\" b'\nprint(x)\n1 + 1";
    const { response, log, calls, upstream } = await run([python(code)]);
    expect(response.status).toBe("completed");
    const { id, container_id } = calls[0]!;
    const outputs = [{ type: "logs", logs: 'a "🐍" b\n2\n' }];
    expect(calls).toEqual([{ type: "code_interpreter_call", id, code, container_id, outputs, status: "completed" }]);
    expect(container_id).toMatch(/^cntr_[0-9a-f]{50}$/);
    expect(id).toMatch(/^ci_/);
    const events = log.map((json) => JSON.parse(json) as { type: string; delta?: string });
    const deltas = events.filter(({ type }) => type === "response.code_interpreter_call_code.delta");
    expect(deltas.length).toBeGreaterThan(1);
    expect(deltas.map(({ delta }) => delta).join("")).toBe(code);
    const tools = upstream.calls[0]!.request.tools!;
    expect(tools).toMatchObject([{ type: "function", name: "python" }]);
  });

  test("includes outputs only on request, but always shows them to the model", async () => {
    const ran = await run([python("6 * 7")], { request: { include: [] } });
    expect(ran.calls[0]!.outputs).toBeNull();
    expect(outputsOf(ran)).toEqual(["42\n"]);
  });

  test("that raises completes and shows the traceback to both", async () => {
    const ran = await run([python("print('before')\n1 / 0")]);
    expect(ran.calls[0]!.status).toBe("completed");
    expect(logsOf(ran.calls[0]!)).toMatch(/^before\nTraceback [^]*ZeroDivisionError: division by zero\n$/);
    expect(outputsOf(ran)[0]).toContain("ZeroDivisionError");
  });

  test("with endless output is truncated for client and model", async () => {
    const code = "print('begun')\nfor i in range(40_000): print('line', i)\nprint('over')\n1 / 0";
    const ran = await run([{ call: "code_interpreter", arguments: { code } }]);
    expect(logsOf(ran.calls[0]!).length).toBeGreaterThan(200_000);
    const [modelOutput] = outputsOf(ran);
    expect(modelOutput!.length).toBeLessThanOrEqual(MAX_CALL_CHARACTERS);
    expect(modelOutput).toMatch(
      /^begun\nline 0\n[^]*\n\[cut off here: \d+ of \d+ characters are left out\]\n[^]*ZeroDivisionError/,
    );
  });

  test("shows images to both, and lists new files for the model", async () => {
    const ran = await run([python(`_ = open('a.png', 'wb').write(${PNG}); _ = open('b.txt', 'w').write('xyz');`)]);
    const url = `data:image/png;base64,${Buffer.from("\x89PNG\r\n\x1a\nrest", "latin1").toString("base64")}`;
    expect(ran.calls[0]!.outputs).toEqual([{ type: "image", url }]);
    const [text, image] = outputsOf(ran)[0] as { text?: string; image_url?: string }[];
    expect(text!.text).toContain("a.png (12 bytes), b.txt (3 bytes)");
    expect(image!.image_url).toBe(url);
  });

  test("that times out fails, shows its output, and the next one works", async () => {
    const ran = await run([python("print('begun', flush=True)\nwhile True: pass"), python("1")]);
    expect(ran.calls.map(({ status }) => status)).toEqual(["failed", "completed"]);
    expect(logsOf(ran.calls[0]!)).toBe("begun\ntimed out\n");
    expect(outputsOf(ran)[0]).toContain("timed out");
    expect(ran.response.status).toBe("completed");
  });

  test.each([
    ["without code", { call: "python", arguments: { program: "1" } }, "'code' must be a string."],
    ["whose code is not a string", { call: "python", arguments: { code: 1 } }, "'code' must be a string."],
  ])("%s fails", async (_, call, message) => {
    const ran = await run([call]);
    expect(ran.calls).toMatchObject([{ status: "failed", code: "", outputs: [{ type: "logs", logs: message }] }]);
    expect(outputsOf(ran)).toEqual([message]);
  });

  test("is not offered if the interpreter is disabled", async () => {
    const off = openCodeInterpreterKind(readConfig({ CODE_INTERPRETER: "false" }));
    const { upstream, response } = await run([], { kind: off });
    expect(upstream.calls[0]!.request.tools).toEqual([]);
    expect(response.status).toBe("completed");
    await off[Symbol.asyncDispose]?.();
  });
});

describe("a container", () => {
  test("keeps its state over ordered calls and turns", async () => {
    const cells = Array.from({ length: 8 }, (_, i) => python(`o+=[${i}]`));
    const ran = await run([[python("o=[]"), ...cells], python("o")]);
    expect(logsOf(ran.calls.at(-1)!)).toBe("[0, 1, 2, 3, 4, 5, 6, 7]\n");
    expect(new Set(ran.calls.map(({ container_id }) => container_id)).size).toBe(1);
  });

  test("follows a chain to any worker; a new chain gets a new one", async () => {
    const first = await run([python("import random\nx = random.random()\n_ = open('f', 'w').write('kept');\nx")]);
    const other = openCodeInterpreterKind(CONFIG);
    const before = { ancestors: [first.id] };
    const second = await run([python("x"), python("y = open('f').read()")], { before, kind: other });
    await other[Symbol.asyncDispose]?.();
    expect(second.calls[0]!.container_id).toBe(first.calls[0]!.container_id);
    expect(logsOf(second.calls[0]!)).toBe(logsOf(first.calls[0]!));
    // The first worker's interpreter has not seen the second one's cells.
    const third = await run([python("(y, x)")], { before: { ancestors: [first.id, second.id] } });
    expect(logsOf(third.calls[0]!)).toBe(`('kept', ${logsOf(first.calls[0]!).trim()})\n`);
    const apart = await run([python("x")]);
    expect(apart.calls[0]!.container_id).not.toBe(first.calls[0]!.container_id);
    expect(logsOf(apart.calls[0]!)).toContain("NameError");
  });

  test("may be named by its own project only", async () => {
    const first = await run([python("x = 5")]);
    const named = { type: "code_interpreter" as const, container: first.calls[0]!.container_id };
    const second = await run([python("x")], { request: { tools: [named] } });
    expect(logsOf(second.calls[0]!)).toBe("5\n");
    await storage.redis.hset(storage.layout.container(named.container), "project", "other");
    const foreign = await run([python("x")], { request: { tools: [named] } });
    expect(foreign.calls).toMatchObject([{ status: "failed", container_id: named.container }]);
    expect(outputsOf(foreign)).toEqual([`The container '${named.container}' does not exist.`]);
  });

  test("is replaced once expired, and never taken from another project's item", async () => {
    const first = await run([python("x = 5")]);
    const { container_id } = first.calls[0]!;
    await storage.redis.hset(storage.layout.container(container_id), "project", "other");
    const second = await run([python("x")], { before: { ancestors: [first.id] } });
    expect(second.calls[0]!.container_id).toBe(containerIdFor(second.id));
    expect(logsOf(second.calls[0]!)).toMatch(/^\[The interpreter was restarted: [^]*NameError/);
  });

  test("lives for its time after the last call, and while its response may run", async () => {
    const idle = await run([python("x = 5")]);
    const ttlOf = async (id: string) => await storage.redis.ttl(storage.layout.container(id));
    expect(await ttlOf(idle.calls[0]!.container_id)).toBeGreaterThan(storage.containerIdleSeconds - 60);
    const running = await run([python("x = 5")], { storage: { ...storage, containerIdleSeconds: 1 } });
    expect(await ttlOf(running.calls[0]!.container_id)).toBeGreaterThan(1);
  });

  test("lost between calls is recreated, with one notice to the model", async () => {
    const containers = new Proxy(storage.containers, {
      get: (object, key) => {
        const value: unknown = Reflect.get(object, key, object);
        if (typeof value !== "function") return value;
        if (key !== "write") return value.bind(object) as unknown;
        return async (...args: [string, string, ContainerChange, number]): Promise<boolean> => {
          const isKept = await object.write(...args);
          const code = [...args[2].newCells.values()].map((cell) => cell.code).join("");
          if (code === "x = 5") await storage.redis.del(storage.layout.container(args[1]));
          return isKept;
        };
      },
    });
    const ran = await run([python("x = 5"), python("'x' in globals()"), python("1")], {
      storage: { ...storage, containers },
    });
    expect(ran.calls.map(logsOf)).toEqual([
      "",
      "[The interpreter was restarted: variables, imports and files of earlier cells are gone.]\nFalse\n",
      "1\n",
    ]);
  });

  test("receives the conversation's files once", async () => {
    const file = (name: string, text: string) => ({
      type: "input_file" as const,
      filename: name,
      file_data: `data:text/csv;base64,${Buffer.from(text).toString("base64")}`,
    });
    const message = (...content: ReturnType<typeof file>[]): StoredInputItem => ({
      type: "message",
      role: "user",
      id: newId("msg"),
      content,
    });
    const input = [message(file("../../etc/a.csv", "1,2"), file("b.csv", "old")), message(file("b.csv", "new"))];
    const read = "open('a.csv').read(), open('b.csv').read()";
    const first = await run([python(read), python("_ = open('b.csv', 'w').write('mine');")], { before: { input } });
    expect(logsOf(first.calls[0]!)).toBe("('1,2', 'new')\n");
    expect(JSON.stringify(first.upstream.calls[0]!.request.tools)).toContain("a.csv, b.csv");
    const more = { input: [message(file("c.csv", "more"))], ancestors: [first.id] };
    const second = await run([python(`${read}, open('c.csv').read()`)], { before: more });
    expect(logsOf(second.calls[0]!)).toBe("('1,2', 'mine', 'more')\n");
  });

  test("keeps the cells of two parallel workers", async () => {
    const first = await run([python("seen = []")]);
    const before = { ancestors: [first.id] };
    const other = openCodeInterpreterKind(CONFIG);
    const append = (name: string) => python(`seen.append('${name}')`);
    const [a, b] = await Promise.all([run([append("a")], { before }), run([append("b")], { before, kind: other })]);
    await other[Symbol.asyncDispose]?.();
    expect([a, b].map(({ calls }) => calls[0]!.status)).toEqual(["completed", "completed"]);
    const after = await run([python("sorted(seen)")], { before: { ancestors: [first.id, a.id] } });
    expect(logsOf(after.calls[0]!)).toBe("['a', 'b']\n");
  });
});

describe("after a crash", () => {
  test.each([1, 3])("in call %i the next worker resumes in the same container", async (callNumber) => {
    const cells = [python("n = 1"), python("n += 1"), python("n += 1"), python("n")];
    const id = await createResponse(storage, {
      tools: [AUTO],
      include: ["code_interpreter_call.outputs"],
      metadata: scriptSteps(...cells),
    });
    const control = new AttemptControl();
    const dying = openCodeInterpreterKind(CONFIG);
    let written = 0;
    // Crashes after the call changed the container and before its result is logged.
    const containers = new Proxy(storage.containers, {
      get: (object, key) => {
        const value: unknown = Reflect.get(object, key, object);
        if (key !== "write" || typeof value !== "function") {
          return typeof value === "function" ? value.bind(object) : value;
        }
        return async (...args: unknown[]): Promise<unknown> => {
          const isKept: unknown = await Reflect.apply(value, object, args);
          written += 1;
          if (written === callNumber) control.stop("lock-lost");
          return isKept;
        };
      },
    });
    await runOnce(
      { storage: { ...storage, containers }, kinds: [dying], upstream: new RecordingUpstream() },
      id,
      control,
    ).catch(() => {});
    await dying[Symbol.asyncDispose]?.();
    expect(written).toBe(callNumber);

    await runOnce({ storage, kinds: [kind], upstream: new RecordingUpstream() }, id, new AttemptControl());
    const { response, calls } = await ended(id);
    expect(response.status).toBe("completed");
    const interrupted = callNumber - 1;
    expect(calls.map(({ status }) => status)).toEqual(
      Array.from({ length: 4 }, (_, i) => (i === interrupted ? "failed" : "completed")),
    );
    expect(logsOf(calls[interrupted]!)).toBe(INTERRUPTED);
    // It had taken effect.
    expect(logsOf(calls[3]!)).toBe("3\n");
    expect(new Set(calls.map(({ container_id }) => container_id)).size).toBe(1);
  });
});
