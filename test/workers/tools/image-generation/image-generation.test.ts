/** Images from a real HTTP server of the images API, as a tool of responses. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LLMock } from "@copilotkit/aimock";
import { type Logger, pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { readConfig } from "../../../../src/config/config.ts";
import { ConfigurationError } from "../../../../src/config/configuration-error.ts";
import type { OutputItem } from "../../../../src/protocol/item.ts";
import type { Tool } from "../../../../src/protocol/tool.ts";
import { newId } from "../../../../src/protocol/id.ts";
import { AttemptControl } from "../../../../workers/attempt/attempt.ts";
import { INTERRUPTED } from "../../../../workers/tools/execute-calls.ts";
import { openImageGenerationKind } from "../../../../workers/tools/image-generation/image-generation.ts";
import { type ImagesServer, json, startImagesServer, stream } from "../../../support/images-server.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";
import {
  type PriorContext,
  createResponse,
  finalResponse,
  RecordingUpstream,
  runOnce,
  scriptSteps,
} from "../../../support/tool-runs.ts";

type ImageTool = Extract<Tool, { type: "image_generation" }>;

const KEY = "sk-secret-of-the-images";
const IMAGE = Buffer.from("an image").toString("base64");
const OTHER = Buffer.from("another").toString("base64");
const DATA_URL = `data:image/png;base64,${IMAGE}`;

let storage: TestStorage;
let server: ImagesServer;
beforeAll(async () => {
  storage = await openTestStorage();
  server = await startImagesServer();
});
afterEach(() => {
  server.requests.length = 0;
  server.answers.length = 0;
});
afterAll(async () => {
  await storage[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

function kindOf(settings: NodeJS.ProcessEnv = {}) {
  const environment = { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: KEY, IMAGE_MODEL: "openai/gpt-image-1" };
  return openImageGenerationKind(readConfig({ ...environment, ...settings }));
}

const generate = (args: object) => ({ call: "generate_image", arguments: args });

interface Options {
  tool?: Partial<ImageTool>;
  before?: PriorContext;
  settings?: NodeJS.ProcessEnv;
  logger?: Logger;
}

async function run(calls: readonly object[], { tool, before, settings, logger }: Options = {}) {
  const tools: Tool[] = [{ type: "image_generation", ...tool }];
  const id = await createResponse(storage, { tools, metadata: scriptSteps(...calls) }, before);
  const upstream = new RecordingUpstream();
  const kind = kindOf(settings);
  await runOnce({ storage, kinds: [kind], upstream, ...(logger && { logger }) }, id, new AttemptControl());
  await kind[Symbol.asyncDispose]?.();
  return { id, upstream, ...(await ended(id)) };
}

async function ended(id: string) {
  const { response, log } = await finalResponse(storage, id);
  const output: readonly OutputItem[] = response.output;
  const events = log.map((each) => JSON.parse(each) as { type: string; partial_image_b64?: string; size?: string });
  return { response, log, events, images: output.filter((item) => item.type === "image_generation_call") };
}

describe("an image", () => {
  test("is in the item, and not in the model's context", async () => {
    server.answers.push(
      json(200, { created: 1, size: "1024x1024", data: [{ b64_json: IMAGE, revised_prompt: "A red cat" }] }),
    );
    const tool = { size: "1024x1024", quality: "low", output_format: "webp", background: "auto" } as const;
    const { images, events, response, upstream } = await run([generate({ prompt: "A cat" })], { tool });
    expect(response.status).toBe("completed");
    expect(images).toEqual([
      {
        type: "image_generation_call",
        id: images[0]!.id,
        status: "completed",
        result: IMAGE,
        action: "generate",
        background: "auto",
        output_format: "webp",
        quality: "low",
        revised_prompt: "A red cat",
        size: "1024x1024",
      },
    ]);
    expect(events.map(({ type }) => type).filter((type) => type.includes("image"))).toEqual([
      "response.image_generation_call.in_progress",
      "response.image_generation_call.generating",
      "response.image_generation_call.completed",
    ]);
    expect(server.requests).toEqual([
      {
        path: "/v1/images/generations",
        authorization: `Bearer ${KEY}`,
        fields: {
          model: "gpt-image-1",
          prompt: "A cat",
          size: "1024x1024",
          quality: "low",
          output_format: "webp",
          response_format: "b64_json",
        },
      },
    ]);
    const modelInput = JSON.stringify(upstream.calls.at(-1)!.history);
    expect(modelInput).toContain("shown to the user");
    expect(modelInput).not.toContain(IMAGE);
  });

  test("is streamed in parts on request", async () => {
    const part = (index: number, b64_json: string) => ({
      type: "image_generation.partial_image",
      partial_image_index: index,
      b64_json,
      size: "256x256",
    });
    server.answers.push(
      stream(part(0, OTHER), part(1, IMAGE), { type: "image_generation.completed", b64_json: IMAGE, quality: "high" }),
    );
    const { images, events } = await run([generate({ prompt: "A cat" })], { tool: { partial_images: 2 } });
    const partials = events.filter(({ type }) => type === "response.image_generation_call.partial_image");
    expect(partials).toMatchObject([
      { partial_image_index: 0, partial_image_b64: OTHER, size: "256x256" },
      { partial_image_index: 1, partial_image_b64: IMAGE },
    ]);
    expect(images).toMatchObject([{ status: "completed", result: IMAGE, quality: "high" }]);
    expect(server.requests[0]!.fields).toMatchObject({ stream: true, partial_images: 2 });
  });

  test("comes whole from a service that does not stream", async () => {
    server.answers.push(json(200, { data: [{ b64_json: IMAGE }] }));
    const ignored = await run([generate({ prompt: "A cat" })], { tool: { partial_images: 1 } });
    expect(ignored.images).toMatchObject([{ status: "completed", result: IMAGE }]);
    server.answers.splice(
      0,
      1,
      json(400, { error: { message: "Unknown parameter: 'stream'.", type: "invalid_request_error", param: "stream" } }),
      json(200, { data: [{ b64_json: OTHER }] }),
    );
    const rejected = await run([generate({ prompt: "A cat" })], { tool: { partial_images: 1 } });
    expect(rejected.images).toMatchObject([{ status: "completed", result: OTHER }]);
    expect(server.requests.at(-1)!.fields).not.toHaveProperty("stream");
  });

  test("may be a URL, fetched only from allowed addresses", async () => {
    const { host, origin } = new URL(server.url);
    const settings = { IMAGE_MODEL: "openai/dall-e-3" };
    const answerAll: ImagesServer["answers"][number] = (response, { path }) => {
      if (path === "/image.png") response.end("an image");
      else json(200, { data: [{ url: `${origin}/image.png` }] })(response);
    };
    server.answers.push(answerAll);
    const blocked = await run([generate({ prompt: "A cat" })], { settings });
    expect(blocked.images).toMatchObject([{ status: "failed", result: null, error: { code: "server_error" } }]);
    const allowed = await run([generate({ prompt: "A cat" })], {
      settings: { ...settings, FETCH_ALLOWED_HOSTS: host },
    });
    expect(allowed.images).toMatchObject([{ status: "completed", result: IMAGE }]);
    expect(server.requests[0]!.fields).toMatchObject({ response_format: "b64_json" });
  });

  test("is also created by aimock", async () => {
    const mock = new LLMock({ port: 0 });
    mock.onImage(/cat/, { image: { b64Json: IMAGE } });
    await mock.start();
    const settings = { OPENAI_BASE_URL: `${mock.url}/v1` };
    const { images } = await run([generate({ prompt: "A cat" })], { settings });
    await mock.stop();
    expect(images).toMatchObject([{ status: "completed", result: IMAGE }]);
  });
});

describe("a Google service", () => {
  const PNG = Buffer.from("\x89PNG\r\n\x1a\nrest", "latin1").toString("base64");
  let folder: string;
  let settings: NodeJS.ProcessEnv;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "images-"));
    const google = { kind: "google", base_url: server.url, api_key_env: "IMAGES_KEY" };
    const file = join(folder, "providers.json");
    await writeFile(file, JSON.stringify({ providers: { google } }));
    settings = { PROVIDERS_FILE: file, IMAGES_KEY: KEY, IMAGE_MODEL: "google/gemini-2.5-flash-image" };
  });
  afterAll(async () => await rm(folder, { recursive: true }));

  test("creates and edits images", async () => {
    const parts = [{ inlineData: { mimeType: "image/png", data: PNG } }];
    server.answers.push(json(200, { candidates: [{ content: { parts }, finishReason: "STOP" }] }));
    const calls = [generate({ prompt: "A cat" }), generate({ prompt: "Again", change: true })];
    const { images } = await run(calls, { settings, tool: { size: "1024x1536", partial_images: 1 } });
    expect(images).toMatchObject([
      { status: "completed", result: PNG, action: "generate", output_format: "png" },
      { status: "completed", result: PNG, action: "edit" },
    ]);
    expect(server.requests.map(({ path }) => path)).toEqual(
      Array.from({ length: 2 }, () => "/v1/models/gemini-2.5-flash-image:generateContent"),
    );
    expect(JSON.stringify(server.requests[0]!.fields)).toContain('"aspectRatio":"2:3"');
    expect(JSON.stringify(server.requests[1]!.fields)).toContain(PNG);
  });

  test.each([
    [400, `Blocked by safety. ${KEY}`, "invalid_request_error", "Blocked by safety. [redacted]"],
    [403, `Key ${KEY} is wrong`, "server_error", "The image service is currently unavailable."],
    [429, "Slow down", "rate_limit_exceeded", "The image service's rate limit was reached."],
  ])("fails with %i as other services do", async (status, message, code, expected) => {
    server.answers.push(json(status, { error: { code: status, message, status: "X" } }));
    const { images } = await run([generate({ prompt: "x" })], { settings });
    expect(images).toMatchObject([{ status: "failed", error: { code, message: expected } }]);
  });
});

describe("an edit", () => {
  const message = (image_url: string) => ({
    type: "message" as const,
    role: "user" as const,
    id: newId("msg"),
    content: [{ type: "input_image" as const, detail: "auto" as const, image_url }],
  });

  test("receives the conversation's images, earlier ones too, and the mask", async () => {
    server.answers.push(json(200, { data: [{ b64_json: OTHER }] }));
    const first = await run([generate({ prompt: "A dog" })]);
    const before = { ancestors: [first.id], input: [message(DATA_URL)] };
    const tool = { input_image_mask: { image_url: DATA_URL }, input_fidelity: "high" } as const;
    const calls = [generate({ prompt: "Both", change: true }), generate({ prompt: "Again", change: true })];
    const { images } = await run(calls, { before, tool });
    expect(images.map(({ action }) => action)).toEqual(["edit", "edit"]);
    const [, second, third] = server.requests;
    expect(second).toMatchObject({
      path: "/v1/images/edits",
      fields: {
        prompt: "Both",
        "image[]": ["image/png:another", "image/png:an image"],
        mask: "image/png:an image",
        input_fidelity: "high",
      },
    });
    expect(third!.fields["image[]"]).toHaveLength(3);
  });

  test.each([
    ["without an image", [], "no_image"],
    ["with an internal address", [message("http://127.0.0.1:1/x.png")], "invalid_image_url"],
    ["of another kind of file", [message("data:text/html;base64,YQ==")], "invalid_image_format"],
  ])("%s fails without a request", async (_, input, code) => {
    const { images } = await run([generate({ prompt: "x" })], { before: { input }, tool: { action: "edit" } });
    expect(images).toMatchObject([{ status: "failed", result: null, error: { code } }]);
    expect(server.requests).toEqual([]);
  });
});

describe("an error", () => {
  test("of the request is shown to client and model without the key", async () => {
    const message = `Your request was rejected by the safety system. ${KEY}`;
    server.answers.push(
      json(400, { error: { message, type: "invalid_request_error", code: "moderation_blocked", param: null } }),
    );
    const { images, upstream, log, response } = await run([generate({ prompt: "x" })]);
    expect(response.status).toBe("completed");
    expect(images).toMatchObject([
      {
        status: "failed",
        result: null,
        error: { code: "moderation_blocked", param: null, type: "image_generation_error" },
      },
    ]);
    expect(JSON.stringify(upstream.calls.at(-1)!.history)).toContain("safety system");
    expect(log.join("")).not.toContain(KEY);
  });

  test("has no key in its code either", async () => {
    server.answers.push(json(400, { error: { message: "No", code: `no ${KEY}` } }));
    const { images, log } = await run([generate({ prompt: "x" })]);
    expect(images).toMatchObject([{ error: { code: "no [redacted]" } }]);
    expect(log.join("")).not.toContain(KEY);
  });

  test.each([
    [
      "its key",
      json(401, { error: { message: `Incorrect API key: ${KEY}`, code: "invalid_api_key" } }),
      "server_error",
    ],
    ["an empty answer", json(200, { data: [] }), "server_error"],
    ["an invalid answer", json(200, "no"), "server_error"],
    ["a stream without an end", stream({ type: "image_generation.partial_image", b64_json: IMAGE }), "server_error"],
  ])("of the service hides details: %s", async (_, answer, code) => {
    server.answers.push(answer);
    const { images, log } = await run([generate({ prompt: "x" })]);
    expect(images).toMatchObject([{ status: "failed", error: { code } }]);
    expect(log.join("")).not.toContain(KEY);
  });

  test.each([
    ["in the answer's message", json(401, { error: { message: `Incorrect API key: ${KEY}` } })],
    ["in a header", json(403, { error: { message: "Wrong header: a-key-in-a-header" } })],
    [
      "in text that is not JSON",
      (response) => void response.setHeader("content-type", "application/json").end(`${KEY}!`),
    ],
  ] satisfies [string, ImagesServer["answers"][number]][])(
    "that repeats a secret %s leaves none in the server's log",
    async (_, answer) => {
      server.answers.push(answer);
      const lines: string[] = [];
      const serializers = { err: pino.stdSerializers.errWithCause };
      const logger = pino({ level: "debug", serializers }, { write: (line) => lines.push(line) });
      const settings = await providerWithHeader();
      await run([generate({ prompt: "x" })], { settings, logger });
      const log = lines.join("");
      expect(log).toMatch(/"cause":\{.*"message":".*\[redacted\]/);
      for (const secret of [KEY, KEY.slice(0, 10), "a-key-in-a-header"]) expect(log).not.toContain(secret);
    },
  );

  async function providerWithHeader(): Promise<NodeJS.ProcessEnv> {
    const folder = await mkdtemp(join(tmpdir(), "images-"));
    const file = join(folder, "providers.json");
    onTestFinished(async () => await rm(folder, { recursive: true }));
    const headers = { "x-token": "Bearer a-key-in-a-header" };
    const images = { kind: "openai-responses", base_url: server.url, api_key_env: "IMAGES_KEY", headers };
    await writeFile(file, JSON.stringify({ providers: { images } }));
    return { PROVIDERS_FILE: file, IMAGES_KEY: KEY, IMAGE_MODEL: "images/gpt-image-1" };
  }

  test("is a timeout if the service does not answer", async () => {
    server.answers.push(() => {});
    const { images } = await run([generate({ prompt: "x" })], { settings: { IMAGE_TIMEOUT_MS: "100" } });
    expect(images).toMatchObject([{ status: "failed", error: { code: "timeout" } }]);
  });

  test("is a timeout if the stream stalls", async () => {
    server.answers.push((response) => response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders());
    const { images } = await run([generate({ prompt: "x" })], { settings: { IMAGE_TIMEOUT_MS: "200" } });
    expect(images).toMatchObject([{ status: "failed", error: { code: "timeout" } }]);
  });

  test("is a missing prompt, which the model sees", async () => {
    const { images, upstream } = await run([generate({ text: "x" })]);
    expect(images).toMatchObject([{ status: "failed", result: null }]);
    expect(JSON.stringify(upstream.calls.at(-1)!.history)).toContain("'prompt' must be");
  });
});

describe("after a crash", () => {
  async function crashed(die: (control: AttemptControl) => ImagesServer["answers"][number]) {
    const id = await createResponse(storage, {
      tools: [{ type: "image_generation" }],
      metadata: scriptSteps(generate({ prompt: "one" }), generate({ prompt: "two" })),
    });
    const control = new AttemptControl();
    server.answers.push(json(200, { data: [{ b64_json: IMAGE }] }), die(control));
    const kind = kindOf();
    await runOnce({ storage, kinds: [kind], upstream: new RecordingUpstream() }, id, control).catch(() => {});
    await runOnce({ storage, kinds: [kind], upstream: new RecordingUpstream() }, id, new AttemptControl());
    await kind[Symbol.asyncDispose]?.();
    return await ended(id);
  }

  test("a possibly created image is not requested again, and a recorded one is shown", async () => {
    const { images, response } = await crashed((control) => () => control.stop("lock-lost"));
    expect(response.status).toBe("completed");
    expect(server.requests.map(({ fields }) => fields["prompt"])).toEqual(["one", "two"]);
    expect(images).toMatchObject([
      { status: "completed", result: IMAGE },
      { status: "failed", result: null, error: { message: INTERRUPTED } },
    ]);
  });
});

describe("an edit after a crash", () => {
  test.each([
    ["of an earlier turn", [generate({ prompt: "one" }), generate({ prompt: "two", change: true })]],
    ["of the same turn", [[generate({ prompt: "one" }), generate({ prompt: "two", change: true })]]],
  ])("receives the image %s, which was not yet logged", async (_, calls) => {
    const tools: Tool[] = [{ type: "image_generation" }];
    const id = await createResponse(storage, { tools, metadata: scriptSteps(...calls) });
    server.answers.push(json(200, { data: [{ b64_json: IMAGE }] }));
    const control = new AttemptControl();
    const journals = new Proxy(storage.journals, {
      get: (object, key) => {
        const value: unknown = Reflect.get(object, key, object);
        if (typeof value !== "function") return value;
        if (key !== "writeCallResult") return value.bind(object) as unknown;
        return async (...args: unknown[]): Promise<unknown> => {
          const isWritten: unknown = await Reflect.apply(value, object, args);
          control.stop("lock-lost");
          return isWritten;
        };
      },
    });
    const kind = kindOf();
    const upstream = new RecordingUpstream();
    await runOnce({ storage: { ...storage, journals }, kinds: [kind], upstream }, id, control).catch(() => {});
    expect(JSON.stringify(await storage.visibleLogReader.read(id, 0, 1_000))).not.toContain(IMAGE);
    await runOnce({ storage, kinds: [kind], upstream }, id, new AttemptControl());
    await kind[Symbol.asyncDispose]?.();
    const { images } = await ended(id);
    expect(images.map(({ status, action }) => [status, action])).toEqual([
      ["completed", "generate"],
      ["completed", "edit"],
    ]);
    expect(server.requests.map(({ fields }) => fields["prompt"])).toEqual(["one", "two"]);
    expect(server.requests[1]!.fields["image[]"]).toEqual(["image/png:an image"]);
  });
});

describe("the setting", () => {
  test.each(["gpt-image-1", "nobody/gpt-image-1", "openai/", "/x", "simulator/default"])(
    "%j is rejected at startup",
    (name) => {
      expect(() => kindOf({ IMAGE_MODEL: name })).toThrow(ConfigurationError);
    },
  );

  test("may be missing, which disables the tool", async () => {
    const { upstream } = await run([], { settings: { IMAGE_MODEL: "" } });
    expect(upstream.calls[0]!.request.tools).toEqual([]);
  });
});
