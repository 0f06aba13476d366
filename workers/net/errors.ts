/**
 * Why a URL that somebody named was not fetched. Messages may be shown to whoever named it: they say nothing of
 * addresses, names or services inside. What really happened is in `cause`, for the log.
 */
export abstract class GuardedFetchError extends Error {}

const BLOCK_REASONS = {
  invalid: "it is not a valid URL",
  scheme: "only http and https are",
  credentials: "it has a user name or a password in it",
  host: "its host is not a public one",
  port: "its port is not one for HTTP",
} as const;
export type BlockReason = keyof typeof BLOCK_REASONS;

/** Never sent, or a redirect that was not followed. */
export class BlockedUrlError extends GuardedFetchError {
  override readonly name = "BlockedUrlError";
  readonly reason: BlockReason;
  constructor(reason: BlockReason) {
    super(`The URL is not allowed: ${BLOCK_REASONS[reason]}.`);
    this.reason = reason;
  }
}

/** By the rules of whoever reads. */
export class RejectedRedirectError extends GuardedFetchError {
  override readonly name = "RejectedRedirectError";
}

export class TooLargeError extends GuardedFetchError {
  override readonly name = "TooLargeError";
  constructor(maxBytes: number) {
    super(`The content is larger than ${maxBytes} bytes.`);
  }
}

export class TooManyRedirectsError extends GuardedFetchError {
  override readonly name = "TooManyRedirectsError";
  constructor(maxRedirects: number) {
    super(`The URL was redirected more than ${maxRedirects} times.`);
  }
}

export class FetchTimeoutError extends GuardedFetchError {
  override readonly name = "FetchTimeoutError";
  constructor(options?: ErrorOptions) {
    super("The server did not answer in time.", options);
  }
}

/** By the code of what went wrong: Node's, the system's, or OpenSSL's. */
const REASONS_BY_CODE: readonly [RegExp, string][] = [
  [/^(ENOTFOUND|EAI_|ENODATA)/, "its name does not resolve (DNS)"],
  [/^ECONNREFUSED$/, "it refuses connections"],
  [/^(EHOSTUNREACH|ENETUNREACH)$/, "no network leads to it"],
  [/CERT|^ERR_TLS|SELF_SIGNED|UNABLE_TO_VERIFY|HOSTNAME_MISMATCH/, "its TLS certificate is not valid"],
  [/^(EPROTO|ERR_SSL)/, "it does not speak TLS as it should"],
];

/** No such name, no connection, or none that held. */
export class UnreachableError extends GuardedFetchError {
  override readonly name = "UnreachableError";
  /** What is known of why, as the end of a sentence about the server. */
  readonly reason: string | undefined;
  constructor(options?: ErrorOptions & { code?: string | undefined }) {
    const { code = "", ...rest } = options ?? {};
    super("The server could not be reached, or broke off its answer.", rest);
    this.reason = REASONS_BY_CODE.find(([codes]) => codes.test(code))?.[1];
  }
}
