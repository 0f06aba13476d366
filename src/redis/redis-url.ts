/** What REDIS_URL may say. ioredis takes anything: a word for a host, and a database that is no number for the first. */

/** What is wrong with it, without what it says: it may hold a password. */
export function redisUrlFault(text: string, isCluster: boolean): string | undefined {
  const urls = isCluster ? text.split(",").map((url) => url.trim()) : [text];
  return urls.map((url) => faultOf(url, isCluster)).find((fault) => fault !== undefined);
}

function faultOf(url: string, isCluster: boolean): string | undefined {
  const isSocket = url.startsWith("/") && !isCluster;
  if (isSocket) return undefined;
  if (!/^rediss?:\/\//i.test(url) || !URL.canParse(url)) return "must be redis://host:port, or rediss:// with TLS";
  const database = new URL(url).pathname.slice(1);
  if (!/^\d*$/.test(database)) return "the database behind the last / must be a number";
  return isCluster && Number(database) > 0 ? "a cluster has only database 0" : undefined;
}
