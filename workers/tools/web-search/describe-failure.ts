/** Why a page was not opened, in words by which a model can decide what to do next. */
import { UnreachableError } from "../../net/errors.ts";

export function describeFailure(error: Error): string {
  const reason = error instanceof UnreachableError ? error.reason : undefined;
  return reason === undefined ? error.message : `The server could not be reached: ${reason}.`;
}

/** What a status means for whoever wants to read the page. */
export function describeStatus(status: number): string {
  const answered = `The server answered with status ${status}`;
  if (status === 401 || status === 402) return `${answered}: the page is for those who have an account there.`;
  if (status === 403 || status === 451)
    return `${answered}: it does not let this page be read. Look for another source.`;
  if (status === 410) return `${answered}: the page is gone.`;
  if (status === 429) return `${answered}: it has had too many requests. The page may be opened later.`;
  if (status >= 500) return `${answered}: it has a fault of its own. The page may be opened later.`;
  return `${answered}.`;
}
