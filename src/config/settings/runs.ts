import { DAY_SECONDS, flag, integer, seconds } from "../setting.ts";

/** The shortest completion window: the time reserved at its end cannot be longer. */
const MAX_RESERVE_SECONDS = 2 * 60 * 60;

export const runSettings = {
  RESPONSE_DEADLINE_SECONDS: seconds(
    "Timeout of a whole response, counted from its acceptance, or from the latest start that its completion window allows. A response that has not ended by then fails.",
    { default: DAY_SECONDS, min: 1 },
  ),
  COMPLETION_WINDOW_RESERVE_SECONDS: seconds(
    "Time reserved for a run at the end of its completion window (`2h`, `8h`). The response waits behind others until that time begins. No more than `RESPONSE_DEADLINE_SECONDS` counts.",
    { default: 1_800, min: 1, max: MAX_RESERVE_SECONDS },
  ),
  FLEX_MAX_WAIT_SECONDS: seconds(
    "Maximum time that a response with `service_tier=flex` waits behind others in the queue. No more than half of `RESPONSE_DEADLINE_SECONDS` counts.",
    { default: 3_600, min: 1 },
  ),
  MAX_ATTEMPTS: integer(
    "Maximum attempts of a response that fail because of the run itself; then the response fails. Attempts that end because a worker crashed do not count.",
    { default: 5, min: 1 },
  ),
  ISOLATE_AFTER_LOSSES: integer(
    "Number of workers that crash in a row while a response records no event, after which the response runs in a process of its own.",
    { default: 2, min: 1 },
  ),
  MAX_TOOL_CALLS: integer(
    "Maximum calls of server-side tools in one response. A request may ask for fewer with `max_tool_calls`.",
    { default: 250, min: 1 },
  ),
  SPEND_LIMIT_STOPS_RUNS: flag(
    "End of running responses, as incomplete, before their next turn once their project has reached its spend limit. If false, the limit only refuses new responses.",
    false,
  ),
  STRICT_EVENTS: flag(
    "Strict check of providers' events: a run fails at the first event that breaks the contract's order.",
    false,
  ),
  STREAM_CALL_ARGUMENTS: flag(
    "Streaming of the arguments of calls that the client executes, while the model writes them. If false, each call is recorded whole, so that no client executes half a call.",
    false,
  ),
};
