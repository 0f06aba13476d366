/** The hosts this process connects to, other than its own machine. Subscribe before the first request. */
import { subscribe } from "node:diagnostics_channel";

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

/** The list grows as long as the process runs. Every client in the tests uses the built-in `fetch`. */
export function recordOutsideConnections(): readonly string[] {
  const hosts: string[] = [];
  subscribe("undici:client:beforeConnect", (message) => {
    const { hostname } = (message as { connectParams: { hostname: string } }).connectParams;
    if (!LOOPBACK.has(hostname)) hosts.push(hostname);
  });
  return hosts;
}
