/** `background-responses/client`: follows responses of this server, or of any server of the Responses API. */
export type { EventOf, ResponseOf, ResponsesClient } from "./client.ts";
export { FollowError, type FollowErrorCode } from "./errors.ts";
export { Follow, follow, type FollowOptions } from "./follow.ts";
export type { RetryNotice, RetryOptions } from "./retries.ts";
export { waitFor, type WaitOptions } from "./wait-for.ts";
