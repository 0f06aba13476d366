/**
 * Connects only to addresses that passed the policy. It resolves a name once per connection and pins undici to the
 * addresses that passed, so a name that resolves differently a moment later (DNS rebinding) has no effect.
 */
import { lookup as lookupName } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { buildConnector } from "undici";
import { BlockedUrlError } from "./errors.ts";
import type { FetchPolicy } from "./fetch-policy.ts";

export interface ResolvedAddress {
  address: string;
  family: number;
}
/** Returns all addresses of a name. Rejects if there are none. */
export type Resolve = (hostname: string) => Promise<ResolvedAddress[]>;

export const resolveBySystem: Resolve = async (hostname) => await lookupName(hostname, { all: true });

export function createGuardedConnector(
  policy: FetchPolicy,
  resolve: Resolve,
  connectTimeoutMs: number,
): buildConnector.connector {
  async function findAllowed(hostname: string, port: number): Promise<ResolvedAddress[]> {
    const family = isIP(hostname);
    const addresses = family === 0 ? await resolve(hostname) : [{ address: hostname, family }];
    const allowed = addresses.filter(({ address }) => policy.mayConnect(hostname, port, address));
    if (allowed.length === 0) throw new BlockedUrlError("host");
    return allowed;
  }

  async function connect(options: buildConnector.Options, callback: buildConnector.Callback): Promise<void> {
    const hostname = options.hostname.replace(/^\[(.*)\]$/, "$1");
    const port = Number(options.port) || (options.protocol === "https:" ? 443 : 80);
    let allowed: ResolvedAddress[];
    try {
      allowed = await findAllowed(hostname, port);
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)), null);
      return;
    }
    buildConnector({ lookup: createPinnedLookup(allowed), timeout: connectTimeoutMs, autoSelectFamily: true })(
      options,
      callback,
    );
  }

  return (options, callback) => void connect(options, callback);
}

function createPinnedLookup(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_hostname, options, callback) => {
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, addresses[0]!.address, addresses[0]!.family);
  };
}
