/**
 * `node test/support/fake-vendor/main.ts mistral` serves a fake vendor until interrupted. It prints its address and an
 * entry for a providers file. Request calls with a line such as `call get_weather {"city":"Paris"}`. With `--chaos` and
 * a seed, it rejects requests, breaks off and writes odd streams.
 */
import { parseArgs } from "node:util";
import { startFakeVendor } from "./server.ts";
import { FAKE_VENDOR_NAMES } from "./vendors.ts";

const options = { port: { type: "string", default: "0" }, chaos: { type: "string" } } as const;
const { positionals, values } = parseArgs({ allowPositionals: true, options });
const name = FAKE_VENDOR_NAMES.find((each) => each === positionals[0]);
if (name === undefined) {
  const names = FAKE_VENDOR_NAMES.join("|");
  process.stderr.write(`Usage: node test/support/fake-vendor/main.ts ${names} [--port NUMBER] [--chaos SEED]\n`);
  process.exit(2);
}
const chaos = { failureRate: 0.3, failures: ["refuse", "break"], oddityRate: 0.3, cuts: true } as const;
const vendor = await startFakeVendor(name, {
  port: Number(values.port),
  ...(values.chaos !== undefined && { chaos: { ...chaos, seed: Number(values.chaos) } }),
});
const file = { providers: { [name]: vendor.entry } };
process.stdout.write(`${vendor.url}\n${JSON.stringify(file, undefined, 2)}\n`);
