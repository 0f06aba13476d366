/**
 * The world that Pyodide finds: a realm with ECMAScript and WebAssembly in it, and nothing else. Here it gets what it
 * needs to start, in the shape of a JavaScript shell's globals, which is the one environment that it supports and that
 * has neither network nor files. Evaluated before Pyodide, in the sandbox's own realm.
 *
 * Everything in this file can be reached and changed by the code that runs in the sandbox, except what its closures hold.
 */

/** What the host hands in. Its functions take and return strings and numbers only, and are never shown to anyone. */
interface Bridge {
  wasm: Uint8Array;
  standardLibrary: Uint8Array;
  lockFile: string;
  runner: string;
  /** Bytes that were printed, one character each. */
  print(bytes: string): void;
  /** Milliseconds that no step of the machine's clock changes. */
  monotonicMs: () => number;
  /** So many random bytes in base64. */
  random(length: number): string;
}

interface Timer {
  id: number;
  at: number;
  call: () => void;
}

/** Not what Node's types say: none of Node's globals are here. */
const realm: Record<string, unknown> = globalThis;
const bridge = realm["bridge"] as Bridge;
delete realm["bridge"];
export const { lockFile, runner, monotonicMs } = bridge;

const CHUNK = 8192;
const timers = new Map<number, Timer>();
let lastTimer = 0;

realm["setTimeout"] = (call: (...values: unknown[]) => void, delayMs?: number, ...values: unknown[]): number => {
  const id = ++lastTimer;
  timers.set(id, { id, at: monotonicMs() + (Number(delayMs) || 0), call: () => call(...values) });
  return id;
};
realm["clearTimeout"] = (id: number): void => void timers.delete(id);

/** Calls what is due, and tells whether anything was. */
export function fireTimers(): boolean {
  const now = monotonicMs();
  const due = [...timers.values()].filter(({ at }) => at <= now);
  for (const timer of due) {
    timers.delete(timer.id);
    timer.call();
  }
  return due.length > 0;
}

/** How long until the next timer, in milliseconds. Infinity if there is none. */
export function msUntilNextTimer(): number {
  let next = Infinity;
  for (const { at } of timers.values()) next = Math.min(next, at);
  return next - monotonicMs();
}

/** One character for each unit: of bytes, or of UTF-16. */
function toBinaryString(bytes: Uint8Array | Uint16Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return text;
}

/** What the host throws, such as an overflow of the stack, is of its realm and stops here. */
export function printBytes(bytes: Uint8Array): void {
  const text = toBinaryString(bytes);
  try {
    bridge.print(text);
  } catch {
    throw new Error("The output could not be written.");
  }
}

function randomBytes(length: number): string {
  try {
    return bridge.random(length);
  } catch {
    throw new Error("There are no random bytes.");
  }
}

function bytesOf(source: ArrayBufferView | ArrayBufferLike | undefined): Uint8Array {
  if (source === undefined) return new Uint8Array();
  if (ArrayBuffer.isView(source)) return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  return new Uint8Array(source);
}

/** Enough of the WHATWG class for Pyodide: whole inputs, and U+FFFD for whatever is not UTF-8. */
realm["TextDecoder"] = class {
  readonly encoding: string;
  constructor(label = "utf-8") {
    this.encoding = label.toLowerCase();
  }
  decode(source?: ArrayBufferView | ArrayBufferLike): string {
    const bytes = bytesOf(source);
    if (this.encoding === "utf-16le") return toBinaryString(new Uint16Array(bytes.slice().buffer));
    const binary = toBinaryString(bytes);
    return /^utf-?8$/.test(this.encoding) ? decodeUtf8(binary) : binary;
  }
};

const UTF8_SEQUENCE =
  // oxlint-disable-next-line no-control-regex -- bytes are what this matches
  /[\x00-\x7f]+|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}|[\x80-\xff]/g;

function decodeUtf8(binary: string): string {
  return binary.replace(UTF8_SEQUENCE, (sequence) => {
    const lead = sequence.charCodeAt(0);
    if (lead < 0x80) return sequence;
    if (sequence.length === 1) return "\ufffd";
    let code = lead & (0xff >> (sequence.length + 1));
    for (let at = 1; at < sequence.length; at++) code = (code << 6) | (sequence.charCodeAt(at) & 0x3f);
    return code <= 0x10_ffff ? String.fromCodePoint(code) : "\ufffd";
  });
}

realm["TextEncoder"] = class {
  encode(text = ""): Uint8Array {
    const escaped = encodeURIComponent(text.toWellFormed());
    const binary = escaped.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  }
};

realm["performance"] = { now: () => monotonicMs() };
realm["console"] = Object.fromEntries(["log", "info", "warn", "error", "debug"].map((name) => [name, () => {}]));

/** By these three Pyodide recognises a shell. */
realm["load"] = () => {};
realm["read"] = (path: string): never => {
  throw new Error(`There is no file ${path}.`);
};
realm["readbuffer"] = (path: string): ArrayBufferLike => {
  if (path.endsWith("/pyodide.asm.wasm")) return bridge.wasm.buffer;
  if (path.endsWith("/python_stdlib.zip")) return bridge.standardLibrary.buffer;
  throw new Error(`There is no file ${path}.`);
};
/** In a shell Emscripten asks /dev/urandom for random bytes by this command, and for nothing else. */
realm["os"] = {
  system: (_shell: string, [, command]: [string, string]): string => {
    const length = Number(/^head -c(\d+) /.exec(command)?.[1]);
    return randomBytes(length);
  },
};
