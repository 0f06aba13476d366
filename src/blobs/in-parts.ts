/** Collects chunks into parts of one size; the last part may be smaller. A source without bytes has one empty part. */
export async function* inParts(
  source: AsyncIterable<Uint8Array>,
  partBytes: number,
): AsyncGenerator<{ part: Uint8Array; isLast: boolean }> {
  let chunks: Uint8Array[] = [];
  let collected = 0;
  for await (const chunk of source) {
    let rest = chunk;
    // A part is given out once more bytes follow, so that the last one is known as such.
    while (collected + rest.length > partBytes) {
      const missing = partBytes - collected;
      chunks.push(rest.subarray(0, missing));
      yield { part: Buffer.concat(chunks, partBytes), isLast: false };
      rest = rest.subarray(missing);
      chunks = [];
      collected = 0;
    }
    chunks.push(rest);
    collected += rest.length;
  }
  yield { part: Buffer.concat(chunks, collected), isLast: true };
}
