/**
 * Reasons why a URL that a request or a model named was not fetched. Messages may reach that client or model, so they
 * contain no internal addresses, names or services. `cause` holds the underlying error, for the log.
 */
export abstract class GuardedFetchError extends Error {}

const BLOCK_REASONS = {
  invalid: "it is not a valid URL",
  scheme: "only http and https are",
  credentials: "it contains a user name or password",
  host: "its host is not a public one",
  port: "its port is not an HTTP port",
} as const;
export type BlockReason = keyof typeof BLOCK_REASONS;

/** The URL was not requested: it is not allowed, or a redirect leads to one that is not. */
export class BlockedUrlError extends GuardedFetchError {
  override readonly name = "BlockedUrlError";
  readonly reason: BlockReason;
  constructor(reason: BlockReason) {
    super(`The URL is not allowed: ${BLOCK_REASONS[reason]}.`);
    this.reason = reason;
  }
}

/** The caller's own check rejected a redirect. */
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

/** Reasons by error code of Node, the system or OpenSSL. Each completes a sentence about the server. */
const REASONS_BY_CODE: readonly [RegExp, string][] = [
  [/^(ENOTFOUND|EAI_|ENODATA)/, "its name does not resolve (DNS)"],
  [/^ECONNREFUSED$/, "it refuses connections"],
  [/^(EHOSTUNREACH|ENETUNREACH)$/, "there is no network route to it"],
  [/CERT|^ERR_TLS|SELF_SIGNED|UNABLE_TO_VERIFY|HOSTNAME_MISMATCH/, "its TLS certificate is not valid"],
  [/^(EPROTO|ERR_SSL)/, "its TLS handshake failed"],
];

/** The name does not resolve, no connection was made, or the connection was lost. */
export class UnreachableError extends GuardedFetchError {
  override readonly name = "UnreachableError";
  /** The reason if it is known, to complete a sentence about the server. */
  readonly reason: string | undefined;
  constructor(options?: ErrorOptions & { code?: string | undefined }) {
    const { code = "", ...rest } = options ?? {};
    super("The server could not be reached, or the connection was lost.", rest);
    this.reason = REASONS_BY_CODE.find(([codes]) => codes.test(code))?.[1];
  }
}
