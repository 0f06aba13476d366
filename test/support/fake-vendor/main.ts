/**
 * `node test/support/fake-vendor/main.ts mistral` serves a fake vendor until it is interrupted. It prints its address and
 * an entry for a providers file. Ask it for calls with a line such as `call get_weather {"city":"Paris"}`.
 */
import { startFakeVendor } from "./server.ts";
import { FAKE_VENDOR_NAMES } from "./vendors.ts";

const name = FAKE_VENDOR_NAMES.find((each) => each === process.argv[2]);
if (name === undefined) {
  process.stderr.write(`Usage: node test/support/fake-vendor/main.ts ${FAKE_VENDOR_NAMES.join("|")} [port]\n`);
  process.exit(2);
}
const vendor = await startFakeVendor(name, { port: Number(process.argv[3] ?? 0) });
const file = { providers: { [name]: vendor.entry } };
process.stdout.write(`${vendor.url}\n${JSON.stringify(file, undefined, 2)}\n`);
