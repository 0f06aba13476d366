/** Attempts to escape from the Python sandbox. After each, the host is untouched and the next cell works. */
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { buildConfinedCommand } from "../../../../workers/tools/code-interpreter/confinement.ts";
import { PythonSandbox } from "../../../../workers/tools/code-interpreter/python-sandbox.ts";
import { logsOf, runCode, usePython } from "../../../support/python.ts";

const processes = usePython();
let sandbox = new PythonSandbox(processes, "p");

async function expectStillWorking(): Promise<void> {
  expect(logsOf(await runCode(sandbox, "40 + 2"))).toContain("42\n");
}

describe("the host's files", () => {
  test.each(["/etc/passwd", "/proc/self/environ", "/proc/1/cmdline", import.meta.filename])(
    "%s cannot be read",
    async (path) => {
      const result = await runCode(sandbox, `print(open(${JSON.stringify(path)}).read())`);
      expect(result.error).toContain("FileNotFoundError");
      await expectStillWorking();
    },
  );

  test("cannot be written: the sandbox has its own folder under that name", async () => {
    const path = join(tmpdir(), "escaped-from-the-sandbox.txt");
    await runCode(
      sandbox,
      `import os; os.makedirs(${JSON.stringify(tmpdir())}, exist_ok=True); open(${JSON.stringify(path)}, "w").write("x")`,
    );
    expect(existsSync(path)).toBe(false);
    await expectStillWorking();
  });

  test.each(["mountNodeFS('/host', '/')", "useNodeSockFS()", "mountNativeFS('/host', None)"])(
    "are out of reach of pyodide_js.%s",
    async (call) => {
      const code = `import pyodide_js, os\ntry:\n  r = pyodide_js.${call}\n  r = await r if hasattr(r, "then") else r\nexcept Exception as e:\n  print(type(e).__name__)\nprint(os.path.exists("/host/etc"))`;
      expect(logsOf(await runCode(sandbox, code))).toContain("False\n");
      await expectStillWorking();
    },
  );
});

describe("the host's environment and processes", () => {
  test("the environment has no host variable", async () => {
    const { outputs } = await runCode(sandbox, "import os; print(sorted(os.environ))");
    const names = JSON.stringify(outputs);
    for (const name of ["REDIS", "API_KEY", "VITEST", "NODE"]) expect(names).not.toContain(name);
  });

  test.each([
    ["subprocess", "import subprocess; subprocess.run(['/bin/true'])"],
    ["os.system", "import os\nif os.system('touch /tmp/escaped-by-system') != 0: raise OSError('refused')"],
    ["os.fork", "import os; os.fork()"],
    ["os.exec", "import os; os.execv('/bin/true', ['true'])"],
    ["multiprocessing", "import multiprocessing; multiprocessing.Process(target=print).start()"],
    ["threads", "import threading; threading.Thread(target=print).start()"],
    ["ctypes", "import ctypes; ctypes.CDLL('libc.so.6').system(b'true')"],
  ])("%s starts nothing", async (_, code) => {
    expect((await runCode(sandbox, code)).error).toBeDefined();
    expect(existsSync("/tmp/escaped-by-system")).toBe(false);
    await expectStillWorking();
  });

  test("os.kill reaches no process of the host", async () => {
    await runCode(sandbox, `import os\nos.kill(${process.pid}, 0)`);
    await runCode(sandbox, `import os, signal\nos.kill(${process.pid}, signal.SIGKILL)`);
    await expectStillWorking();
  });
});

describe("the network", () => {
  test("every connection attempt fails", async () => {
    const server = createServer();
    let connections = 0;
    server.on("connection", () => (connections += 1));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const attempts = [
      `import socket; socket.create_connection(("127.0.0.1", ${port}), timeout=2).send(b"x")`,
      `import urllib.request; urllib.request.urlopen("http://127.0.0.1:${port}/", timeout=2)`,
      `from pyodide.http import pyfetch; await pyfetch("http://127.0.0.1:${port}/")`,
      `from pyodide.http import open_url; open_url("http://127.0.0.1:${port}/")`,
      `import pyodide_js; await pyodide_js.loadPackage("http://127.0.0.1:${port}/x-1-py3-none-any.whl", checkIntegrity=False); import x`,
      `import micropip; await micropip.install("http://127.0.0.1:${port}/x-1-py3-none-any.whl")`,
      `import asyncio; await asyncio.open_connection("127.0.0.1", ${port})`,
      `from js import fetch; await fetch("http://127.0.0.1:${port}/")`,
      `from js import WebSocket; WebSocket.new("ws://127.0.0.1:${port}/")`,
      `import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); s.accept()`,
    ];
    for (const code of attempts) {
      const result = await runCode(sandbox, code, { timeoutMs: 5_000 });
      expect.soft(result.error, code).toBeDefined();
      await expectStillWorking();
    }
    expect(connections).toBe(0);
    server.close();
  });
});

describe("JavaScript", () => {
  test.each([
    ["js.process", "import js; js.process"],
    ["js.fetch", "import js; js.fetch"],
    ["js.eval", "from js import eval"],
    ["run_js", "from pyodide.code import run_js; run_js('globalThis')"],
    ["js.Function", "import js; js.Function('return process')()"],
    ["the constructor of js", "import js; js.constructor.constructor('return process')()"],
    ["the constructor of pyodide_js", "import pyodide_js; pyodide_js.constructor.constructor('return process')()"],
    ["the constructor of a function", "import pyodide_js; pyodide_js.runPython.constructor('return process')()"],
    [
      "the constructor of an async function",
      "import pyodide_js; pyodide_js.runPythonAsync.constructor('return import(\"node:fs\")')()",
    ],
    [
      "the constructor of a converted value",
      "from pyodide.ffi import to_js; to_js([1]).constructor.constructor('return process')()",
    ],
    ["Emscripten's eval", "import pyodide_js; pyodide_js._module._emscripten_run_script(0)"],
  ])("%s is harmless", async (_, code) => {
    expect((await runCode(sandbox, code)).error).toBeDefined();
    await expectStillWorking();
  });

  test("every reachable object belongs to one powerless realm", async () => {
    const crawl = `
import json, pyodide_js, js
from pyodide.ffi import JsProxy, to_js
seen, functions, found = {}, {}, set()
queue = [pyodide_js, js, to_js([1]), to_js(b"x"), to_js({"a": 1})]
FORBIDDEN = {"process", "require", "fetch", "WebSocket", "XMLHttpRequest", "getBuiltinModule", "Buffer", "bridge", "importScripts", "Worker"}
while queue and len(seen) < 20000:
    value = queue.pop()
    if not isinstance(value, JsProxy) or value.js_id in seen: continue
    seen[value.js_id] = value
    if value.typeof == "function": functions[value.js_id] = value
    try: is_memory = isinstance(value.byteLength, int)
    except Exception: is_memory = False
    if is_memory:
        queue.append(value.constructor)  # and not each of its bytes
        continue
    # The prototypes of proxies of Python objects look like such proxies, and end the interpreter.
    is_proxy_class = value.typeof == "function" and "name" in dir(value) and str(value.name).startswith(("Py", "_Py"))
    for name in dir(value) + ["constructor", "caller", "callee", "arguments"]:
        if name.startswith("__") or (is_proxy_class and name == "prototype"): continue
        try: child = getattr(value, name)
        except BaseException: continue
        if name in FORBIDDEN and isinstance(child, JsProxy): found.add(name)
        queue.append(child)
makers = {f.constructor.js_id: f.constructor for f in functions.values()}
made = []
for maker in makers.values():
    try: made.append(str(maker("return 1")))
    except Exception: pass
named = lambda name: len([f for f in functions.values() if getattr(f, "name", None) == name])
print(json.dumps({"seen": len(seen), "found": sorted(found), "made": made, "realms": [named("Object"), named("Function"), named("Array")]}))
`;
    await using fresh = new PythonSandbox(processes, "p");
    const result = await runCode(fresh, crawl, { timeoutMs: 50_000 });
    expect(result.error).toBeUndefined();
    const report = JSON.parse(logsOf(result)) as Record<string, unknown>;
    expect(report).toMatchObject({ found: [], made: [], realms: [1, 1, 1] });
    expect(report["seen"]).toBeGreaterThan(1_000);
  });

  test("return values and errors of calls belong to the same realm", async () => {
    const crawl = `
import asyncio, json, pyodide_js
from pyodide.ffi import JsException, JsProxy, to_js
api = pyodide_js._api
own_function = pyodide_js.constructor.constructor
# These end the interpreter, wait for ever, or take it apart.
LEFT_OUT = ("fatal", "snapshot", "restore", "state", "bootstrap", "stream", "freeze", "interrupt", "std", "toString", "destroy", "__", "constructor", "finalize", "Proxy", "errorConstructors", "schedule", "set", "rawRun", "runPython", "pyodide_py")
tried, thrown, returned, foreign = 0, 0, 0, []
def look(name, value, depth=0):
    if not isinstance(value, JsProxy) or depth > 3: return
    try: maker = value.constructor
    except Exception: return
    if isinstance(maker, JsProxy) and maker.constructor != own_function: foreign.append(name)
    for each in ("cause", "stack", "errors", "result"):
        try: look(name + "." + each, getattr(value, each), depth + 1)
        except Exception: pass
async def attempt(name, function, *args):
    global tried, thrown, returned
    tried += 1
    try:
        value = function(*args)
        look(name, value)
        if hasattr(value, "then"):
            value = await asyncio.wait_for(value, 2)
            look(name, value)
        returned += 1
    except JsException as error:
        thrown += 1
        look(name, getattr(error, "js_error", error))
    except BaseException:
        pass
for place, owner in {"pyodide": pyodide_js, "api": api, "manager": api.packageManager}.items():
    for name in dir(owner):
        if any(part.lower() in name.lower() for part in LEFT_OUT): continue
        try: function = getattr(owner, name)
        except BaseException: continue
        if not isinstance(function, JsProxy) or function.typeof != "function": continue
        for args in ((), ("x",), ("/host", "/")):
            await attempt(place + "." + name, function, *args)
print(json.dumps({"tried": tried, "thrown": thrown, "returned": returned, "foreign": sorted(set(foreign))}))
`;
    await using fresh = new PythonSandbox(processes, "p");
    const result = await runCode(fresh, crawl, { timeoutMs: 90_000 });
    expect(result.error).toBeUndefined();
    const report = JSON.parse(logsOf(result).trimEnd().split("\n").at(-1)!) as Record<string, unknown>;
    expect(report).toMatchObject({ foreign: [] });
    expect(report["thrown"]).toBeGreaterThan(5);
  });

  test.each([[["toJSON", "timeout", "get", "fd", "highWaterMark", "encoding"]], [["then"]], [["length", "0"]]])(
    "a prototype with a spy for %j sees no host object",
    async (names) => {
      const code = `
import pyodide_js
from pyodide.ffi import create_proxy, to_js
print("spying")
O = pyodide_js.constructor
spy = create_proxy(lambda this, *rest: print("met", this), capture_this=True)
for name in ${JSON.stringify(names)}:
    O.defineProperty(O.prototype, name, to_js({"get": spy, "configurable": True}, dict_converter=O.fromEntries))
`;
      const logs = [code, "print('next')"].map(async (each) =>
        logsOf(await runCode(sandbox, each, { timeoutMs: 1_000 })),
      );
      const all = (await Promise.all(logs)).join("");
      expect(all).toContain("spying");
      expect(all).not.toMatch(/Socket|Buffer|Process|Stream|Module/);
      sandbox = new PythonSandbox(processes, "p");
      await expectStillWorking();
    },
  );
});

describe("the channel to the worker", () => {
  test.each([
    ["printing frames", "import sys; sys.stdout.buffer.write(b'\\x00\\x00\\x00\\x02\\x04{}' * 50); sys.stdout.flush()"],
    [
      "writing to descriptors",
      "import os\nfor fd in range(1, 20):\n  try: os.write(fd, b'\\x00\\x00\\x00\\x02\\x04{}')\n  except OSError: pass",
    ],
  ])("%s only prints", async (_, code) => {
    expect((await runCode(sandbox, code)).error).toBeUndefined();
    await expectStillWorking();
  });

  test("a forged result stays with its own cell", async () => {
    const forge = `
import json, sys
runner = [f for f in sys._current_frames().values()]
import gc
for o in gc.get_objects():
    if isinstance(o, dict) and o.get("__name__") == "run_cell" and "_collect_files" in o:
        o["json"] = type("J", (), {"loads": staticmethod(json.loads), "dumps": staticmethod(lambda r: '{"run": 1, "files": [{"name": "forged", "bytes": "AA=="}], "deleted": [], "images": []}')})
`;
    const other = new PythonSandbox(processes, "p");
    await runCode(other, "1");
    const forged = await runCode(other, forge);
    expect(forged.files).toEqual([]);
    expect(forged.error).toBe("The interpreter crashed.");
    expect(logsOf(await runCode(other, "2"))).toContain("2\n");
  });

  test("a replaced output stream affects only its own sandbox", async () => {
    const spoiled = new PythonSandbox(processes, "p");
    expect(logsOf(await runCode(spoiled, "import pyodide_js\npyodide_js.setStdout()\nprint('x')"))).toBe("");
    await spoiled[Symbol.asyncDispose]();
    await expectStillWorking();
  });
});

test("the process has no environment, and no privileges to gain where the system allows that", async () => {
  await expectStillWorking();
  const environment = readFileSync(`/proc/${sandbox.pid}/environ`, "latin1").split("\0");
  expect(environment.filter((entry) => entry !== "" && !entry.startsWith("PATH="))).toEqual([]);
  const { args } = await buildConfinedCommand(0);
  if (!args.some((arg) => arg.startsWith("--bounding-set"))) return;
  const status = readFileSync(`/proc/${sandbox.pid}/status`, "utf8");
  expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
  expect(status).toMatch(/^CapEff:\s+0+$/m);
});
