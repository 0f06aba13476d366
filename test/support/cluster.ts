/** A Redis Cluster of three nodes, each with a third of the slots, and optional replicas of the first. */
import { join } from "node:path";
import { Redis } from "ioredis";
import { type PrivateRedis, startPrivateRedis } from "../../src/local/redis/private-server.ts";
import { pollUntil } from "./poll-until.ts";

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
    await pollUntil(async () => String(await client.call("CLUSTER", "INFO")).includes("cluster_state:ok"));
  }
  const firstId = String(await clients[0]!.call("CLUSTER", "MYID"));
  for (const replica of clients.slice(3)) {
    await pollUntil(async () => String(await replica.call("CLUSTER", "NODES")).includes(firstId));
    await replica.call("CLUSTER", "REPLICATE", firstId);
    await pollUntil(async () => (await replica.info("replication")).includes("master_link_status:up"));
  }
  for (const client of clients) client.disconnect();
  return { nodes, url: nodes.map((node) => node.url).join(",") };
}

/** Moves the slot of a key to the next node, key by key, as a reshard does. */
export async function moveSlotOf(key: string, nodes: readonly PrivateRedis[]): Promise<void> {
  const clients = nodes.map((node) => new Redis(node.url));
  try {
    const slot = Number(await clients[0]!.call("CLUSTER", "KEYSLOT", key));
    const ids = await Promise.all(clients.map(async (client) => String(await client.call("CLUSTER", "MYID"))));
    const from = await ownerOf(slot, clients, ids);
    const to = (from + 1) % nodes.length;
    const [source, target] = [clients[from]!, clients[to]!];
    await target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[from]!);
    await source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to]!);
    for (;;) {
      const keys = (await source.call("CLUSTER", "GETKEYSINSLOT", slot, 1)) as string[];
      if (keys.length === 0) break;
      await source.call("MIGRATE", "127.0.0.1", nodes[to]!.port, "", 0, 5_000, "KEYS", ...keys);
    }
    for (const client of [target, source, ...clients]) await client.call("CLUSTER", "SETSLOT", slot, "NODE", ids[to]!);
  } finally {
    for (const client of clients) client.disconnect();
  }
}

async function ownerOf(slot: number, clients: readonly Redis[], ids: readonly string[]): Promise<number> {
  const ranges = (await clients[0]!.call("CLUSTER", "SLOTS")) as [number, number, [string, number, string]][];
  const range = ranges.find(([first, last]) => first <= slot && slot <= last)!;
  return ids.indexOf(range[2][2]);
}
