import { integer, milliseconds } from "../setting.ts";

export const streamSettings = {
  STREAM_HEARTBEAT_MS: milliseconds(
    "Silence on a stream after which the server sends a comment line to keep it open.",
    {
      default: 15_000,
      min: 10,
    },
  ),
  STREAM_STALL_TIMEOUT_MS: milliseconds(
    "Timeout of a subscriber that reads nothing. The server closes its connection; the subscriber can resume.",
    { default: 60_000, min: 10 },
  ),
  POLL_AFTER_MS: integer("Interval between two polls that the server suggests in the header `openai-poll-after-ms`.", {
    default: 1_000,
    min: 1,
    unit: "ms",
  }),
};
