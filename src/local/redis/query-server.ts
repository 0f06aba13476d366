/** Short queries to a Redis, each on its own connection without retries. */
import { Redis } from "ioredis";

async function withConnection<T>(url: string, timeoutMs: number, question: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // A server that is still loading data rejects ordinary commands but can identify itself.
    enableReadyCheck: false,
  });
  // Without a listener, ioredis prints an error that the awaited command also reports.
  redis.on("error", () => undefined);
  try {
    await redis.connect();
    return await question(redis);
  } finally {
    redis.disconnect();
  }
}

export async function pingServer(url: string, timeoutMs: number): Promise<void> {
  await withConnection(url, timeoutMs, (redis) => redis.ping());
}

export interface ServerIdentity {
  dataDir: string;
  pid: number;
}

/** Returns undefined if no Redis answers, or it does not identify itself. */
export async function identifyServer(url: string, timeoutMs: number): Promise<ServerIdentity | undefined> {
  try {
    return await withConnection(url, timeoutMs, async (redis) => {
      const [, dataDir] = await redis.config("GET", "dir");
      const pid = /^process_id:(\d+)/m.exec(await redis.info("server"))?.[1];
      return dataDir === undefined || pid === undefined ? undefined : { dataDir, pid: Number(pid) };
    });
  } catch {
    return undefined;
  }
}
