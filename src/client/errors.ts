/** Errors of this client. Every other error that it throws is the one of the `openai` package or the reason of a signal. */

/**
 * - `unreachable`: the server gave no usable answer within the limit; `cause` is the last error.
 * - `no_event_stream`: the address answers, but not with a stream of events.
 * - `event_too_large`: one event is larger than this client buffers.
 * - `already_followed`: two loops iterate over one `Follow`.
 */
export type FollowErrorCode = "unreachable" | "no_event_stream" | "event_too_large" | "already_followed";

export class FollowError extends Error {
  override readonly name = "FollowError";
  readonly code: FollowErrorCode;

  constructor(code: FollowErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A connection that ended, or stayed silent, before the response did. The next try resumes. */
export class ConnectionLostError extends Error {
  override readonly name = "ConnectionLostError";
}
