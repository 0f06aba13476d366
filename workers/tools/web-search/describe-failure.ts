/** Explains to a model why a page was not opened, so that it can decide what to do next. */
import { UnreachableError } from "../../net/errors.ts";

export function describeFailure(error: Error): string {
  const reason = error instanceof UnreachableError ? error.reason : undefined;
  return reason === undefined ? error.message : `The server could not be reached: ${reason}.`;
}

export function describeStatus(status: number): string {
  const answered = `The server answered with status ${status}`;
  if (status === 401 || status === 402) return `${answered}: the page needs an account.`;
  if (status === 403 || status === 451)
    return `${answered}: it does not allow access to this page. Look for another source.`;
  if (status === 410) return `${answered}: the page is gone.`;
  if (status === 429) return `${answered}: it received too many requests. The page may be available later.`;
  if (status >= 500) return `${answered}: it has an internal error. The page may be available later.`;
  return `${answered}.`;
}
