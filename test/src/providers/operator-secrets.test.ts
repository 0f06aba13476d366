import { expect, test } from "vitest";
import { readConfig } from "../../../src/config/config.ts";
import { listOperatorSecrets } from "../../../src/providers/operator-secrets.ts";

test("a collector's headers and the parts of its address are secrets", () => {
  const config = readConfig({
    OTEL_EXPORTER_OTLP_ENDPOINT: "https://user:collector-password@collector.example",
    OTEL_EXPORTER_OTLP_HEADERS: "api-key=first-planted-key, authorization=Bearer%20second%2Dplanted%2Dkey",
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: "x-token=third-planted-key==",
  });
  const secrets = listOperatorSecrets(config, []);
  const planted = ["collector-password", "first-planted-key", "second-planted-key", "third-planted-key=="];
  expect(planted.filter((secret) => !secrets.includes(secret))).toEqual([]);
});
