import { expect, test } from "vitest";
import { ContentSealer } from "../../../../src/sealing/content-sealer.ts";
import { deriveBoundary } from "../../../../workers/turn/context/boundary.ts";
import type { ContextItem } from "../../../../workers/upstreams/upstream.ts";

const message = (role: "user" | "developer", content: string, id = "msg_1"): ContextItem => ({
  type: "message",
  role,
  content,
  id,
});
const storage = (byte = 1) => ({ sealer: new ContentSealer([Buffer.alloc(32, byte)]) });
const BEGINNING = [message("developer", "Be brief."), message("user", "Hi")];

test("a conversation has one boundary in all calls on every worker", () => {
  const first = deriveBoundary(storage(), "alpha", BEGINNING);
  const later = [...BEGINNING, message("user", "And?"), message("developer", "In French.")];
  expect(deriveBoundary(storage(), "alpha", later)).toBe(first);
  // The items of a client that sends the conversation itself get new ids.
  expect(deriveBoundary(storage(), "alpha", [message("user", "Hi", "msg_2")])).toBe(first);
});

test("another conversation, project or installation has another boundary", () => {
  const boundaries = [
    deriveBoundary(storage(), "alpha", BEGINNING),
    deriveBoundary(storage(), "alpha", [message("user", "Hello")]),
    deriveBoundary(storage(), "beta", BEGINNING),
    deriveBoundary(storage(2), "alpha", BEGINNING),
    deriveBoundary(storage(), "alpha", []),
  ];
  expect(new Set(boundaries).size).toBe(boundaries.length);
});
