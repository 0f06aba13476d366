/** `Expect: 100-continue`: the client waits before it sends its body. */
import type { IncomingMessage, ServerResponse } from "node:http";

const waitingRequests = new WeakSet<IncomingMessage>();

export function expectContinue(request: IncomingMessage, response: ServerResponse): void {
  waitingRequests.add(request);
  // A client that gets a final answer may or may not send its body, so the next bytes may not be a request.
  response.setHeader("connection", "close");
}

export function sendContinue(request: IncomingMessage, response: ServerResponse): void {
  if (!waitingRequests.delete(request)) return;
  response.removeHeader("connection");
  response.writeContinue();
}
