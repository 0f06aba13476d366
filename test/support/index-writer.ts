/** A process that replaces one file of a store again and again, until it is killed. Its arguments: Redis's URL, the prefix. */
import { RedisLayout } from "../../src/redis/layout.ts";
import { connect } from "../../src/redis/connect.ts";
import { StoredIndex } from "../../src/store/search-index/stored-index.ts";
import { ExactIndex } from "../../src/knowledge/exact-index.ts";
import type { IndexedChunk } from "../../src/knowledge/search-index.ts";
import { pino } from "pino";

const [url = "", prefix = "", first = "0"] = process.argv.slice(2);
const redis = await connect({ url, cluster: false }, "patient", "writer", pino({ level: "silent" }));
const index = new ExactIndex(new StoredIndex(redis, new RedisLayout(prefix, { sharded: false })), 1024 * 1024);
for (let version = Number(first); ; version += 1) {
  await index.put("vs_1", "file-1", { attributes: { version }, chunks: batchesOf(version) });
}

/** Reports each batch, so that the test can choose the moment of the kill. */
function* batchesOf(version: number): Generator<IndexedChunk[]> {
  for (let from = 0; from < 500; from += 50) {
    process.send?.(version);
    yield Array.from({ length: 50 }, (_, i) => ({
      index: from + i,
      text: `version ${version} chunk ${from + i}`,
      tokens: 4,
    }));
  }
}
