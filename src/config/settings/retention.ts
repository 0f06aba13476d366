import { DAY_SECONDS, integer, seconds } from "../setting.ts";

export const retentionSettings = {
  RETENTION_SECONDS: seconds("Time that a stored response is kept after its end.", {
    default: 30 * DAY_SECONDS,
    min: 1,
  }),
  UNSTORED_RETENTION_SECONDS: seconds(
    "Time that a response with `store=false` is kept after its end, so that clients can still resume its stream.",
    { default: 600, min: 1 },
  ),
  CONVERSATION_IDLE_SECONDS: seconds(
    "Time that a conversation is kept after its last response or change (0 = until it is deleted).",
    { default: 0 },
  ),
  CONTAINER_IDLE_SECONDS: seconds(
    "Time that a container of the code interpreter is kept after its last call. It stays at least as long as the run that uses it may take.",
    { default: DAY_SECONDS, min: 60 },
  ),
  USAGE_RETENTION_DAYS: integer("Time that the usage and the costs of projects are kept.", {
    default: 400,
    min: 1,
    max: 3_660,
    unit: "days",
  }),
  AUDIT_LOG_MAX_ENTRIES: integer("Maximum entries of the audit log. The oldest leave first.", {
    default: 100_000,
    min: 100,
    max: 1_000_000,
  }),
};
