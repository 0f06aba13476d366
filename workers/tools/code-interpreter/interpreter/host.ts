/**
 * The process of one interpreter, outside the sandbox's realm. It reads Pyodide's files and builds the realm. After
 * that it only passes strings between its pipes and the realm. It exits when its stdin ends.
 *
 * Layers, from the inside: the realm starts without capabilities, and cannot compile code from strings. It receives
 * only strings and numbers, and three functions that its closures keep. This realm has removed its own capabilities
 * before foreign code runs. The process has Node's permission model, no environment, and no descriptors except its
 * pipes. The parent adds what the system offers (../confinement.ts), and kills the process at its limits.
 */
import { createCipheriv } from "node:crypto";
import { readFileSync, readSync, writeSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { extname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import vm from "node:vm";
import { decodeHeader, encodeFrame, type Frame, type FrameKind, HEADER_BYTES } from "../frames.ts";

const STDIN = 0;
const STDOUT = 1;
/** Time after a run's own interrupt at which this process exits, in case its parent is gone. */
const EXIT_GRACE_MS = 2_000;
const EXIT_CRASHED = 70;

const pyodideFolder = process.argv[2]!;
const exit = process.exit.bind(process);
process.on("uncaughtException", () => exit(EXIT_CRASHED));
// A rejection that foreign code ignores is harmless. This process awaits all of its own promises.
process.on("unhandledRejection", () => {});

function send(kind: FrameKind, payload: Buffer): void {
  const frame = encodeFrame(kind, payload);
  for (let sent = 0; sent < frame.length;) sent += writeSync(STDOUT, frame, sent);
}

function read(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length;) {
    const count = readSync(STDIN, bytes, at, length - at, null);
    if (count === 0) exit(0);
    at += count;
  }
  return bytes;
}

function receive(): Frame {
  const { kind, length } = decodeHeader(read(HEADER_BYTES));
  return { kind, payload: read(length) };
}

/** Nothing is random before `begin`: every interpreter starts in the same state, so that a history can be replayed. */
let randomness = keystream(Buffer.alloc(32));
function keystream(key: Buffer): (length: number) => string {
  const cipher = createCipheriv("aes-256-ctr", key, Buffer.alloc(16));
  return (length) => cipher.update(Buffer.alloc(length)).toString("base64");
}

function createRealm(): vm.Context {
  // Not contextified: its global object belongs to its own realm, and leads nowhere else.
  const realm = vm.createContext(vm.constants.DONT_CONTEXTIFY, {
    codeGeneration: { strings: false, wasm: true },
    // Microtasks of a call run within that call, and so within its timeout.
    microtaskMode: "afterEvaluate",
  });
  const bridge = vm.runInContext("globalThis.bridge = {}", realm) as Record<string, unknown>;
  const createBytes = vm.runInContext("(length) => new Uint8Array(length)", realm) as (length: number) => Uint8Array;
  const readBytes = (name: string): Uint8Array => {
    const file = readFileSync(join(pyodideFolder, name));
    const bytes = createBytes(file.length);
    bytes.set(file);
    return bytes;
  };
  bridge["wasm"] = readBytes("pyodide.asm.wasm");
  bridge["standardLibrary"] = readBytes("python_stdlib.zip");
  bridge["lockFile"] = readFileSync(join(pyodideFolder, "pyodide-lock.json"), "utf8");
  bridge["runner"] = readFileSync(join(import.meta.dirname, "run_cell.py"), "utf8");
  bridge["print"] = (bytes: unknown): void => {
    if (typeof bytes === "string") send("logs", Buffer.from(bytes, "latin1"));
  };
  bridge["monotonicMs"] = (): number => performance.now();
  bridge["random"] = (length: unknown): string => (typeof length === "number" ? randomness(length) : "");
  return realm;
}

async function loadGuest(realm: vm.Context): Promise<void> {
  // Node's own error would be an object of this realm, which leads to its other objects.
  const rejectImport = vm.runInContext(
    '() => { throw new TypeError("There are no modules to import."); }',
    realm,
  ) as () => never;
  const load = (identifier: string, source: string): vm.SourceTextModule =>
    new vm.SourceTextModule(source, {
      context: realm,
      identifier,
      importModuleDynamically: rejectImport,
      initializeImportMeta: (meta) => void (meta.url = `sandbox:/${identifier}`),
    });
  const extension = extname(import.meta.filename);
  const readScript = (name: string): string => {
    const source = readFileSync(join(import.meta.dirname, name + extension), "utf8");
    return extension === ".ts" ? stripTypeScriptTypes(source, { mode: "strip" }) : source;
  };
  const pyodide = (name: string): string => readFileSync(join(pyodideFolder, name), "utf8");
  const modules: Record<string, vm.SourceTextModule> = {
    [`./realm-globals${extension}`]: load("realm-globals", readScript("realm-globals")),
    pyodide: load("pyodide", pyodide("pyodide.mjs")),
    "pyodide/pyodide.asm.mjs": load("pyodide.asm", pyodide("pyodide.asm.mjs")),
  };
  const guest = load("guest", readScript("guest"));
  await guest.link((specifier) => modules[specifier]!);
  void guest.evaluate();
  for (;;) {
    const state: unknown = vm.runInContext("state", realm);
    if (state === "ready") return;
    if (state !== "starting") throw new Error(String(state));
    await setImmediate();
  }
}

/**
 * A precaution: if code in the sandbox ever reaches an object of this realm, it finds no capabilities and cannot change
 * anything.
 */
function removeCapabilities(): void {
  for (const name of ["process", "fetch", "WebSocket", "EventSource", "Worker", "BroadcastChannel", "navigator"]) {
    Reflect.deleteProperty(globalThis, name);
  }
  for (const { prototype } of [Object, Function, Array, Promise, Error, RangeError, TypeError, Uint8Array, Buffer]) {
    Object.freeze(prototype);
  }
}

/** Calls a function of the realm with numbers, and checks that it returns no object. */
function call(realm: vm.Context, expression: string, timeout?: number): string | number {
  const value: unknown = vm.runInContext(expression, realm, timeout === undefined ? {} : { timeout });
  if (typeof value === "string" || typeof value === "number") return value;
  return exit(EXIT_CRASHED);
}

async function run(realm: vm.Context, setInput: (text: string) => void, payload: Buffer): Promise<void> {
  const { timeoutMs, maxLogBytes, request } = JSON.parse(payload.toString()) as {
    timeoutMs: number;
    maxLogBytes: number;
    request: string;
  };
  const end = performance.now() + timeoutMs + EXIT_GRACE_MS;
  setInput(request);
  call(realm, `startRun(${timeoutMs}, ${maxLogBytes})`, timeoutMs + EXIT_GRACE_MS);
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    const left = Math.ceil(end - performance.now());
    if (left <= 0) exit(EXIT_CRASHED);
    const progress = call(realm, "pump()", left);
    if (typeof progress === "string") return send("result", Buffer.from(progress));
    Atomics.wait(sleeper, 0, 0, progress);
    await setImmediate();
  }
}

const realm = createRealm();
await loadGuest(realm);
removeCapabilities();
const setInput = vm.runInContext("setInput", realm) as (text: string) => void;
send("ready", Buffer.alloc(0));
for (;;) {
  const { kind, payload } = receive();
  if (kind === "run") {
    await run(realm, setInput, payload);
  } else {
    const { seed, limits } = JSON.parse(payload.toString()) as { seed: string; limits: string };
    randomness = keystream(Buffer.from(seed, "hex"));
    setInput(limits);
    call(realm, "begin()");
  }
}
