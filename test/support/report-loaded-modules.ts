/** Loaded by `--import`: prints a line for each package of OpenTelemetry that the process loads. */
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier.startsWith("@opentelemetry/")) process.stderr.write(`loads ${specifier}\n`);
    return nextResolve(specifier, context);
  },
});
