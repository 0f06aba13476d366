/** A fake vendor's HTTP server: it rejects what the vendor rejects, plays the script, and misbehaves on request. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Chaos, type ChaosSettings } from "./chaos.ts";
import { type Frame, VendorMemory, type OpenVendor, type VendorRejection } from "./protocol.ts";
import { planTurn, type Script } from "./script.ts";
import { FAKE_VENDORS, type FakeVendorName } from "./vendors.ts";

export interface FakeVendorOptions {
  script?: Script;
  chaos?: ChaosSettings;
  port?: number;
}

export interface FakeVendor extends AsyncDisposable {
  name: FakeVendorName;
  url: string;
  /** For a providers file. */
  entry: { base_url: string; [field: string]: unknown };
  /** The model name in a request, if the entry is under the vendor's name. */
  model: string;
  /** Bodies of answered requests, in order of arrival. */
  bodies: readonly unknown[];
  /** Rejected requests and the reasons. A valid request is never rejected. */
  rejections: readonly (VendorRejection & { body: unknown })[];
  chaos: Chaos;
}

export async function startFakeVendor(name: FakeVendorName, options: FakeVendorOptions = {}): Promise<FakeVendor> {
  const { script = {}, port = 0 } = options;
  const { provider, path, model, open } = FAKE_VENDORS[name];
  const vendor = open(new VendorMemory(name));
  const chaos = new Chaos(options.chaos);
  const bodies: unknown[] = [];
  const rejections: (VendorRejection & { body: unknown })[] = [];
  const answer = async (body: unknown, response: ServerResponse) => {
    const rejection = vendor.check(body);
    if (rejection !== undefined) {
      rejections.push({ ...rejection, body });
      return refuse(response, vendor, rejection);
    }
    const { turn, key } = planTurn(script, vendor.readSteps(body));
    const plan = chaos.plan(key, vendor.oddities.length);
    if (plan.failure === "refuse") return refuse(response, vendor, vendor.overloaded, { "retry-after": "0" });
    bodies.push(body);
    const frames = vendor.write(turn, body);
    const odd = plan.oddities.reduce<readonly Frame[]>((all, index) => vendor.oddities[index]!.apply(all), frames);
    await chaos.send(response, odd, plan);
  };
  const server = createServer((request, response) => {
    response.on("error", () => {});
    void text(request)
      .then((json) => answer(JSON.parse(json), response))
      .catch((error: unknown) => void response.writeHead(501).end(String(error)));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  return {
    name,
    url,
    entry: { ...provider, base_url: url, models: [model] },
    model: `${name}/${model}`,
    bodies,
    rejections,
    chaos,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function refuse(
  response: ServerResponse,
  vendor: OpenVendor,
  rejection: VendorRejection,
  headers: Record<string, string> = {},
): void {
  response.writeHead(rejection.status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(vendor.describe(rejection)));
}
