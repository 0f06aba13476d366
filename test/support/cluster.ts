/** A Redis Cluster of three nodes, each with a third of the slots, and replicas of the first where a test wants some. */
import { join } from "node:path";
import { Redis } from "ioredis";
import { type PrivateRedis, startPrivateRedis } from "../../src/redis/local-server/private-server.ts";

export async function startCluster(
  folder: string,
  { replicasOfFirst = 0 } = {},
): Promise<{ nodes: PrivateRedis[]; url: string }> {
  const extraArgs = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
  const nodes = await Promise.all(
    Array.from({ length: 3 + replicasOfFirst }, (_, i) =>
      startPrivateRedis({ dataDir: join(folder, `node-${i}`), extraArgs }),
    ),
  );
  const clients = nodes.map((node) => new Redis(node.url));
  const ranges = [
    [0, 5460],
    [5461, 10922],
    [10923, 16383],
  ];
  for (const [i, client] of clients.entries()) {
    const range = ranges[i];
    if (range !== undefined) await client.call("CLUSTER", "ADDSLOTSRANGE", String(range[0]), String(range[1]));
    await client.call("CLUSTER", "SET-CONFIG-EPOCH", String(i + 1));
    await client.call("CLUSTER", "MEET", "127.0.0.1", String(nodes[0]!.port));
  }
  for (const client of clients) {
    while (!String(await client.call("CLUSTER", "INFO")).includes("cluster_state:ok")) await client.ping();
  }
  const firstId = String(await clients[0]!.call("CLUSTER", "MYID"));
  for (const replica of clients.slice(3)) {
    while (!String(await replica.call("CLUSTER", "NODES")).includes(firstId)) await replica.ping();
    await replica.call("CLUSTER", "REPLICATE", firstId);
    while (!(await replica.info("replication")).includes("master_link_status:up")) await replica.ping();
  }
  for (const client of clients) client.disconnect();
  return { nodes, url: nodes.map((node) => node.url).join(",") };
}
