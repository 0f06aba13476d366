/** TRUSTED_PROXIES: the proxies whose `X-Forwarded-For` is believed. */
import ipaddr from "ipaddr.js";
import { ConfigurationError } from "./configuration-error.ts";

/** Names of networks that Express knows. */
const NAMED_NETWORKS: ReadonlySet<string> = new Set(["loopback", "linklocal", "uniquelocal"]);

/** A number of hops or a list, as Express takes it; false without the setting. Throws a ConfigurationError. */
export function parseTrustedProxies(setting: string | undefined): false | number | string[] {
  if (setting === undefined) return false;
  if (/^\d+$/.test(setting)) return Number(setting);
  const entries = setting.split(",").map((entry) => entry.trim());
  const wrong = entries.find((entry) => !NAMED_NETWORKS.has(entry) && !isAddress(entry));
  if (wrong === undefined) return entries;
  throw new ConfigurationError(`TRUSTED_PROXIES: '${wrong}' is neither an address, a network nor a known name.`);
}

function isAddress(entry: string): boolean {
  return ipaddr.isValid(entry) || ipaddr.isValidCIDR(entry);
}
