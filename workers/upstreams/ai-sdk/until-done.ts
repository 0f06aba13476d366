/**
 * The end of a chat completion's stream is a line that says so. The SDK waits for the connection's end instead, which some
 * servers keep open, or send more on: the answer would be held back, and be failed for the silence after it.
 */
const DONE = /[\r\n]data: ?\[DONE\]/;
/** An event that is cut in two is found by what is kept of its first part. */
const KEPT_CHARACTERS = "\ndata: [DONE]".length - 1;

export function endingWhenDone(send: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (url, init) => {
    const response = await send(url, init);
    const isStream = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
    if (!isStream || response.body === null) return response;
    const { status, statusText, headers } = response;
    return new Response(response.body.pipeThrough(untilDone()), { status, statusText, headers });
  };
}

function untilDone(): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder("latin1");
  let last = "\n";
  return new TransformStream({
    transform(chunk, controller) {
      const text = last + decoder.decode(chunk);
      const done = DONE.exec(text);
      const end = done === null ? chunk.length : done.index + done[0].length - last.length;
      controller.enqueue(chunk.subarray(0, end));
      if (done !== null) controller.terminate();
      last = text.slice(-KEPT_CHARACTERS);
    },
  });
}
