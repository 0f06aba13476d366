import {
  choice,
  flag,
  integer,
  MAX_EXTENDED_TIMER_MS,
  MAX_PORT,
  milliseconds,
  optionalText,
  text,
} from "../setting.ts";

export const serverSettings = {
  HOST: text(
    "Address that the API and the workers' health port listen on. Any address but loopback needs `API_KEYS` or `ALLOW_ANONYMOUS`.",
    "127.0.0.1",
  ),
  PORT: integer("Port of the API (0 = any free port).", { default: 8080, max: MAX_PORT }),
  WORKER_PORT: integer("Port of a worker's `/healthz` and `/readyz` (0 = none).", { default: 0, max: MAX_PORT }),
  CONSOLE: flag("Console at `/`: a page that shows and steers runs with the key that its user enters.", true),
  METRICS_PORT: integer(
    "Port of an API process's `/metrics` (0 = none). It needs no key: let only Prometheus reach it, or set `METRICS_TOKEN`. With it, workers serve `/metrics` on `WORKER_PORT`.",
    { default: 0, max: MAX_PORT },
  ),
  METRICS_TOKEN: optionalText(
    "Token for `/metrics`, sent as `Authorization: Bearer`. With it, the API also serves `/metrics` on `PORT`, and workers serve it on `WORKER_PORT`. It has at least 16 characters if `HOST` is not loopback.",
  ),
  HTTP_KEEP_ALIVE_MS: milliseconds(
    "Lifetime of an idle HTTP connection. A load balancer in front needs a shorter idle timeout; otherwise it sends requests into connections that are closing, and answers 502.",
    { default: 65_000, min: 1, max: MAX_EXTENDED_TIMER_MS },
  ),
  TRUSTED_PROXIES: optionalText(
    "Proxies whose `X-Forwarded-For` names the client in access lines and in the audit log: a number of hops, or a comma-separated list of addresses, networks, `loopback`, `linklocal` and `uniquelocal`. Without it, the client is the peer of the connection.",
  ),
  LOG_LEVEL: choice(
    "Lowest level of log lines that are written: `fatal`, `error`, `warn`, `info`, `debug`, `trace` or `silent`.",
    ["fatal", "error", "warn", "info", "debug", "trace", "silent"],
    "info",
  ),
  LOG_PRETTY: flag("Human-readable log lines instead of JSON. Needs the development dependencies.", false),
};
