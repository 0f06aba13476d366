/** Services of the images API with their differences: known parameters, forms of images and forms of errors. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { readConfig } from "../../../../src/config/config.ts";
import type { OutputItem } from "../../../../src/protocol/item.ts";
import type { Tool } from "../../../../src/protocol/tool.ts";
import { AttemptControl } from "../../../../workers/attempt/attempt.ts";
import { openImageGenerationKind } from "../../../../workers/tools/image-generation/image-generation.ts";
import {
  IMAGES,
  type ImagesRequest,
  type ImagesServer,
  json,
  startImagesServer,
  stream,
} from "../../../support/images-server.ts";
import { openTestStorage, type TestStorage } from "../../../support/storage.ts";
import { createResponse, finalResponse, RecordingUpstream, runOnce, scriptSteps } from "../../../support/tool-runs.ts";

type ImageTool = Extract<Tool, { type: "image_generation" }>;
type Answer = ImagesServer["answers"][number];

const KEY = "sk-secret-of-the-images";
const B64 = json(200, { data: [{ b64_json: IMAGES.png }] });

let storage: TestStorage;
let server: ImagesServer;
let folder: string;
beforeAll(async () => {
  storage = await openTestStorage();
  server = await startImagesServer();
  folder = await mkdtemp(join(tmpdir(), "images-"));
});
beforeEach(() => {
  server.requests.length = 0;
  server.answers.length = 0;
});
afterAll(async () => {
  await storage[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

interface Options {
  tool?: Partial<ImageTool>;
  calls?: number;
  settings?: NodeJS.ProcessEnv;
}

/** A response whose model requests images from a service that answers like this. */
async function run(answer: Answer, { tool, calls = 1, settings }: Options = {}) {
  server.answers.push(answer);
  const base = { OPENAI_BASE_URL: server.url, OPENAI_API_KEY: KEY, IMAGE_MODEL: "openai/any-image" };
  const { host } = new URL(server.url);
  const kind = openImageGenerationKind(readConfig({ ...base, FETCH_ALLOWED_HOSTS: host, ...settings }));
  const asked = Array.from({ length: calls }, () => ({ call: "image_generation", arguments: { prompt: "A cat" } }));
  const tools: Tool[] = [{ type: "image_generation", ...tool }];
  const id = await createResponse(storage, { tools, metadata: scriptSteps(...asked) });
  const upstream = new RecordingUpstream();
  await runOnce({ storage, kinds: [kind], upstream }, id, new AttemptControl());
  await kind[Symbol.asyncDispose]?.();
  const { response, log } = await finalResponse(storage, id);
  expect(log.join("")).not.toContain(KEY);
  const items = (response.output as readonly OutputItem[]).filter((item) => item.type === "image_generation_call");
  return {
    items,
    log,
    outputs: JSON.stringify(upstream.calls.at(-1)!.history),
    sent: server.requests.map(({ fields }) => fields),
  };
}

const openAiError = (param: string, message = `Unknown parameter: '${param}'.`, code = "unknown_parameter") =>
  json(400, { error: { message, type: "invalid_request_error", param, code } });

/** A service that rejects these parameters one by one, and answers without them. */
const refusing =
  (rejections: Record<string, Answer>, answer: Answer = B64): Answer =>
  (response, request) => {
    const name = Object.keys(rejections).find((each) => each in request.fields);
    (name === undefined ? answer : rejections[name]!)(response, request);
  };

describe("a parameter that the service rejects is omitted", () => {
  const rejections: [string, (name: string) => Answer][] = [
    ["OpenAI", openAiError],
    ["xAI", (name) => json(400, { code: "400", error: `Argument not supported: ${name}` })],
    [
      "LiteLLM",
      (name) =>
        json(400, {
          error: {
            message: `litellm.UnsupportedParamsError: Setting \`${name}\` is not supported by openai, a-model. To drop it from the call, set \`litellm.drop_params = True\``,
            type: "None",
            param: "",
            code: "400",
          },
        }),
    ],
    [
      "FastAPI",
      (name) =>
        json(422, {
          detail: [{ type: "extra_forbidden", loc: ["body", name], msg: "Extra inputs are not permitted" }],
        }),
    ],
    [
      "Google",
      (name) =>
        json(400, {
          error: { code: 400, message: `Invalid JSON payload received. Unknown name "${name}": Cannot find field.` },
        }),
    ],
    [
      "a text",
      (name) => (response) => void response.writeHead(400).end(`Unrecognized request argument supplied: ${name}`),
    ],
    ["a message", (name) => json(400, { message: `${name}: unexpected field` })],
  ];
  const parameters = ["response_format", "size", "quality", "output_format", "background", "moderation"];
  const tool = {
    size: "1024x1024",
    quality: "low",
    output_format: "webp",
    background: "opaque",
    moderation: "low",
  } as const;

  test.each(rejections.flatMap(([who, refuse]) => parameters.map((name) => [who, name, refuse] as const)))(
    "%s: %s",
    async (_, name, refuse) => {
      const { items, sent } = await run(refusing({ [name]: refuse(name) }), { tool, calls: 2 });
      expect(items).toMatchObject([{ status: "completed", result: IMAGES.png }, { status: "completed" }]);
      const names = (fields: Record<string, unknown>) => parameters.filter((each) => each in fields);
      const left = parameters.filter((each) => each !== name);
      // The second request omits the same parameters as the last one of the first image.
      expect(sent.map(names)).toEqual([parameters, left, left]);
    },
  );

  test("also with others, and the model and the item name them", async () => {
    const all = Object.fromEntries(parameters.map((name) => [name, openAiError(name)]));
    const { items, outputs, sent } = await run(refusing(all), { tool });
    expect(items).toMatchObject([{ status: "completed", size: "auto", quality: "auto", background: "auto" }]);
    expect(outputs).toMatch(/ignored these unknown settings: .*size/);
    expect(Object.keys(sent.at(-1)!)).toEqual(["model", "prompt"]);
  });

  test("also if it asks for a stream", async () => {
    const refuse = refusing({ stream: openAiError("stream", "Streaming is off.", "invalid_value") });
    const { items, sent } = await run(refuse, { tool: { partial_images: 1 }, calls: 2 });
    expect(items).toMatchObject([{ status: "completed" }, { status: "completed" }]);
    expect(sent.map((fields) => "stream" in fields)).toEqual([true, false, false]);
  });

  test("unless only its value was rejected, which the error repeats", async () => {
    const message = "Invalid size '5x5'. Supported sizes are 1024x1024 and auto.";
    const { items, outputs, sent } = await run(openAiError("size", message, "invalid_value"), {
      tool: { size: "5x5" },
    });
    expect(items).toMatchObject([{ status: "failed", error: { code: "invalid_value", message } }]);
    expect(outputs).toContain("Supported sizes are");
    expect(sent).toHaveLength(1);
  });

  test("a limited number of times", async () => {
    const { items, sent } = await run(openAiError("response_format"));
    expect(items).toMatchObject([{ status: "failed", error: { code: "unknown_parameter" } }]);
    expect(sent).toHaveLength(2);
  });
});

describe("an image", () => {
  const types = Object.entries(IMAGES);
  const labels = ["png", "webp", undefined];

  test.each(types.flatMap(([type, base64]) => labels.map((label) => [type, label, base64] as const)))(
    "is %s by its bytes despite the label %j",
    async (type, label, base64) => {
      const answer = json(200, { data: [{ b64_json: base64 }], ...(label !== undefined && { output_format: label }) });
      const { items } = await run(answer, { tool: { output_format: "png" } });
      expect(items).toMatchObject([{ status: "completed", result: base64, output_format: type }]);
    },
  );

  const { jpeg } = IMAGES;
  const dataUrl = `data:image/png;base64,${jpeg}`;
  const atUrl =
    (answer: (url: string) => unknown, contentType?: string): Answer =>
    (response, { path }: ImagesRequest) => {
      if (path !== "/made.png") return json(200, answer(`${new URL(server.url).origin}/made.png`))(response);
      response.writeHead(200, contentType === undefined ? {} : { "content-type": contentType });
      response.end(Buffer.from(jpeg, "base64"));
    };

  test.each<[string, Answer]>([
    ["base64", json(200, { data: [{ b64_json: jpeg }] })],
    ["base64 and an empty URL", json(200, { data: [{ url: "", b64_json: jpeg }] })],
    ["a URL and empty base64", atUrl((url) => ({ data: [{ b64_json: "", url }] }))],
    ["a URL and nulls", atUrl((url) => ({ data: [{ b64_json: null, url, revised_prompt: null }] }))],
    ["a URL with a wrong label", atUrl((url) => ({ data: [{ url }] }), "text/plain")],
    ["a URL within the service", atUrl(() => ({ data: [{ url: "/made.png" }] }))],
    ["a data URL as base64", json(200, { data: [{ b64_json: dataUrl }] })],
    ["a data URL as a URL", json(200, { data: [{ url: dataUrl }] })],
    ["a data URL with parameters", json(200, { data: [{ url: `data:image/png;charset=utf-8;base64,${jpeg}` }] })],
    ["a list of strings", json(200, { data: [jpeg] })],
    ["a list of URLs", atUrl((url) => ({ images: [url] }))],
    ["a list of images", atUrl((url) => ({ images: [{ url }], timings: {} }))],
    ["an object", json(200, { data: { b64_json: jpeg } })],
    ["an image alone", json(200, { image_base64: jpeg })],
    ["the second entry of the list", json(200, { data: [{ error: "none" }, { b64_json: jpeg }] })],
    [
      "bytes",
      (response) => void response.writeHead(200, { "content-type": "image/png" }).end(Buffer.from(jpeg, "base64")),
    ],
    ["a stream", stream({ type: "image_generation.completed", b64_json: jpeg })],
    ["a stream with a data URL", stream({ type: "image_generation.completed", b64_json: dataUrl })],
    ["a stream with a URL", stream({ type: "image_generation.completed", url: dataUrl })],
  ])("may come as %s", async (_, answer) => {
    const { items } = await run(answer);
    expect(items).toMatchObject([{ status: "completed", result: jpeg, output_format: "jpeg" }]);
  });

  test.each<[string, Answer]>([
    ["an HTML page", atUrlText("<html>Log in</html>", "text/html")],
    ["an apology", json(200, "I cannot draw that.")],
    ["text instead of an image", json(200, { data: [{ b64_json: "not an image." }] })],
    ["nothing", json(200, { data: [{}] })],
    ["null", json(200, null)],
  ])("is not created from %s", async (_, answer) => {
    const { items } = await run(answer);
    expect(items).toMatchObject([{ status: "failed", result: null, error: { code: "server_error" } }]);
  });

  function atUrlText(body: string, contentType: string): Answer {
    return (response, { path }) => {
      if (path === "/made.png") return void response.writeHead(200, { "content-type": contentType }).end(body);
      json(200, { data: [{ url: `${new URL(server.url).origin}/made.png` }] })(response);
    };
  }

  test("is fetched only from allowed addresses", async () => {
    const settings = { FETCH_ALLOWED_HOSTS: "" };
    const { items } = await run(
      atUrl((url) => ({ data: [{ url }] })),
      { settings },
    );
    expect(items).toMatchObject([{ status: "failed", error: { code: "server_error" } }]);
    expect(server.requests).toHaveLength(1);
  });
});

describe("an error keeps the service's text", () => {
  const words = "Your request was rejected by the safety system.";
  test.each<[string, Answer]>([
    ["an error", json(400, { error: { message: words, code: "moderation_blocked" } })],
    ["an error as text", json(400, { error: words, code: "moderation_blocked" })],
    ["an error with status 200", json(200, { error: { message: words, code: "moderation_blocked" } })],
    [
      "an error with status 200 and an empty list",
      json(200, { data: [], error: { message: words, code: "moderation_blocked" } }),
    ],
    ["an error in a stream", stream({ type: "error", error: { message: words, code: "moderation_blocked" } })],
  ])("from %s", async (_, answer) => {
    const { items, outputs } = await run(answer);
    expect(items).toMatchObject([{ status: "failed", error: { code: "moderation_blocked", message: words } }]);
    expect(outputs).toContain(words);
  });

  test.each([
    ["IMAGE_SAFETY", { candidates: [{ content: { parts: [] }, finishReason: "IMAGE_SAFETY" }] }, "moderation_blocked"],
    ["PROHIBITED_CONTENT", { promptFeedback: { blockReason: "PROHIBITED_CONTENT" } }, "moderation_blocked"],
    ["MAX_TOKENS", { candidates: [{ content: { parts: [] }, finishReason: "MAX_TOKENS" }] }, "server_error"],
  ])("from Google, %s", async (why, answer, code) => {
    const file = join(folder, "providers.json");
    const google = { kind: "google", base_url: server.url, api_key_env: "IMAGES_KEY" };
    await writeFile(file, JSON.stringify({ providers: { google } }));
    const settings = { PROVIDERS_FILE: file, IMAGES_KEY: KEY, IMAGE_MODEL: "google/gemini-2.5-flash-image" };
    const { items, outputs } = await run(json(200, answer), { settings });
    expect(items).toMatchObject([{ status: "failed", error: { code, message: expect.stringContaining(why) } }]);
    expect(outputs).toContain(why);
  });
});
