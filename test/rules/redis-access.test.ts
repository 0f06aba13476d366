/**
 * Scripts, connections and key names stay in the rooms that own what is stored. Every other file calls their methods, so a
 * stored field has one room that reads and writes it.
 */
import { globSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const OWNERS = [
  "src/redis/",
  "src/store/",
  "src/stream/",
  "src/queue/",
  // Stores the keys that seal content.
  "src/sealing/open-sealer.ts",
  // Open the connections and hand them to the rooms above.
  "src/responses/storage.ts",
  "src/context.ts",
  "src/context/",
  // Removes the keys of its demo.
  "src/local/demo/installation.ts",
];
const ACCESS = /\b(RedisClient|RedisLayout|defineScript)\b|\.(eval|evalsha)\(|\b\w+\.layout\b/;

test("only rooms that own stored data touch Redis or its keys", () => {
  const files = globSync(["src/**/*.ts", "workers/**/*.ts"]);
  expect(files.length).toBeGreaterThan(100);
  const strays = files
    .filter((file) => !OWNERS.some((owner) => file.startsWith(owner)))
    .filter((file) => ACCESS.test(readFileSync(file, "utf8")));
  expect(strays).toEqual([]);
});
