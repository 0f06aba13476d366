import { DAY_SECONDS, seconds } from "../setting.ts";

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
};
