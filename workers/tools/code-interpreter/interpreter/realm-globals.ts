/**
 * Prepares the realm for Pyodide. The realm has ECMAScript and WebAssembly and nothing else. This file adds the globals
 * of a JavaScript shell: the one environment that Pyodide supports without network or files. It runs before Pyodide, in
 * the sandbox's own realm.
 *
 * Code in the sandbox can reach and change everything in this file, except what its closures hold.
 */

/** The host's functions. They take and return only strings and numbers, and no code in the sandbox sees them. */
interface Bridge {
  wasm: Uint8Array;
  standardLibrary: Uint8Array;
  lockFile: string;
  runner: string;
  /** Printed bytes, one character each. */
  print(bytes: string): void;
  /** Milliseconds of a clock that never jumps. */
  monotonicMs: () => number;
  /** Random bytes in base64. */
  random(length: number): string;
}

interface Timer {
  id: number;
  at: number;
  call: () => void;
}

/** Unlike Node's types: none of Node's globals exist here. */
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

/** Calls the timers that are due. Returns whether there were any. */
export function fireTimers(): boolean {
  const now = monotonicMs();
  const due = [...timers.values()].filter(({ at }) => at <= now);
  for (const timer of due) {
    timers.delete(timer.id);
    timer.call();
  }
  return due.length > 0;
}

/** Milliseconds until the next timer. Infinity if there is none. */
export function msUntilNextTimer(): number {
  let next = Infinity;
  for (const { at } of timers.values()) next = Math.min(next, at);
  return next - monotonicMs();
}

/** One character per byte, or per UTF-16 unit. */
function toBinaryString(bytes: Uint8Array | Uint16Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  return text;
}

/** Stops what the host throws, such as a stack overflow: it is an object of the host's realm. */
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

/** The part of the WHATWG class that Pyodide uses: whole inputs, and U+FFFD for invalid UTF-8. */
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

/** Pyodide recognizes a shell by these three. */
realm["load"] = () => {};
realm["read"] = (path: string): never => {
  throw new Error(`There is no file ${path}.`);
};
realm["readbuffer"] = (path: string): ArrayBufferLike => {
  if (path.endsWith("/pyodide.asm.wasm")) return bridge.wasm.buffer;
  if (path.endsWith("/python_stdlib.zip")) return bridge.standardLibrary.buffer;
  throw new Error(`There is no file ${path}.`);
};
/** In a shell, Emscripten requests random bytes from /dev/urandom with this command, and nothing else. */
realm["os"] = {
  system: (_shell: string, [, command]: [string, string]): string => {
    const length = Number(/^head -c(\d+) /.exec(command)?.[1]);
    return randomBytes(length);
  },
};
