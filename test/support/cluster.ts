/** A Redis Cluster of three nodes, each with a third of the slots. */
import { join } from "node:path";
import { Redis } from "ioredis";
import { type PrivateRedis, startPrivateRedis } from "../../src/redis/local-server/private-server.ts";

export async function startCluster(folder: string): Promise<{ nodes: PrivateRedis[]; url: string }> {
  const extraArgs = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
  const nodes = await Promise.all(
    [0, 1, 2].map((i) => startPrivateRedis({ dataDir: join(folder, `node-${i}`), extraArgs })),
  );
  const clients = nodes.map((node) => new Redis(node.url));
  const ranges = [
    [0, 5460],
    [5461, 10922],
    [10923, 16383],
  ];
  for (const [i, client] of clients.entries()) {
    await client.call("CLUSTER", "ADDSLOTSRANGE", String(ranges[i]![0]), String(ranges[i]![1]));
    await client.call("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1));
    await client.call("CLUSTER", "MEET", "127.0.0.1", String(nodes[0]!.port));
  }
  for (const client of clients) {
    while (!String(await client.call("CLUSTER", "INFO")).includes("cluster_state:ok")) await client.ping();
    client.disconnect();
  }
  return { nodes, url: nodes.map((node) => node.url).join(",") };
}
