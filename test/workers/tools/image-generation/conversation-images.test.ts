import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { FetchPolicy } from "../../../../workers/net/fetch-policy.ts";
import { GuardedFetch } from "../../../../workers/net/guarded-fetch.ts";
import {
  collectConversationImages,
  loadImage,
} from "../../../../workers/tools/image-generation/conversation-images.ts";
import type { ContextItem } from "../../../../workers/upstreams/upstream.ts";

test("the newest eight images are used, oldest first", () => {
  const urls = Array.from({ length: 10 }, (_, i) => `https://example.org/${i}.png`);
  const context = urls.map((image_url): ContextItem => ({
    type: "message",
    role: "user",
    content: [{ type: "input_image", detail: "auto", image_url }],
  }));
  expect(collectConversationImages(context)).toEqual(urls.slice(2));
});

test("an image in an error is ignored", async () => {
  const server = createServer((_request, response) => {
    response.writeHead(404, { "content-type": "image/png" }).end("not found, as a picture");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  await using fetch = new GuardedFetch({ policy: new FetchPolicy("127.0.0.1") });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.png`;
  await expect(loadImage(url, fetch, new AbortController().signal)).rejects.toMatchObject({
    code: "invalid_image_url",
    message: "An image's URL answered with status 404.",
  });
  server.close();
});
