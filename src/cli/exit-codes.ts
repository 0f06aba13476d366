/** Exit codes of the program (docs/cli.md#exit-codes). Scripts depend on them. */
import { FollowError } from "../client/index.ts";

export const EXIT = {
  completed: 0,
  failed: 1,
  usage: 2,
  responseFailed: 3,
  responseIncomplete: 4,
  responseCancelled: 5,
  unreachable: 6,
  rejected: 7,
  /** 128 + SIGINT, as shells do. */
  interrupted: 130,
} as const;

const OF_STATUS: Readonly<Record<string, number>> = {
  completed: EXIT.completed,
  failed: EXIT.responseFailed,
  incomplete: EXIT.responseIncomplete,
  cancelled: EXIT.responseCancelled,
};

export function exitCodeOf(status: string | undefined): number {
  return OF_STATUS[status ?? ""] ?? EXIT.completed;
}

/** An error whose message is all that a user needs. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

export class UsageError extends CliError {
  constructor(message: string) {
    super(message, EXIT.usage);
  }
}

interface DescribedError {
  message: string;
  exitCode: number;
}

/** One sentence, and the exit code. `baseUrl` is the server that the command asked. */
export function describeError(error: unknown, baseUrl: string): DescribedError {
  if (error instanceof CliError) return error;
  if (error instanceof FollowError) {
    return { message: error.message, exitCode: error.code === "unreachable" ? EXIT.unreachable : EXIT.failed };
  }
  if (!(error instanceof Error)) return { message: String(error), exitCode: EXIT.failed };
  // Errors of the official client: without a status, the server gave no answer.
  if (!("status" in error) || !("requestID" in error)) return { message: error.message, exitCode: EXIT.failed };
  if (error.status !== undefined) {
    const isProjectMissing = "code" in error && error.code === "missing_project";
    const message = isProjectMissing ? `${error.message} \`list\` takes --project.` : error.message;
    return { message, exitCode: EXIT.rejected };
  }
  const hint = "`background-responses start` starts a server; --base-url names another one";
  return { message: `Cannot reach ${baseUrl} (${rootCause(error)}): ${hint}.`, exitCode: EXIT.unreachable };
}

function rootCause(error: Error): string {
  if (error.cause instanceof Error) return rootCause(error.cause);
  return error.message === "" && "code" in error ? String(error.code) : error.message.replace(/\.$/, "");
}
