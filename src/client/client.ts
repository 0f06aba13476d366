/**
 * The part of the official client that this one uses, and its types. Structural, so that one build serves `openai` 6 and 7
 * and adds no copy of either; events and responses have the types of the caller's own version.
 */

export interface RetrieveQuery {
  stream?: boolean;
  starting_after?: number;
}

export interface RetrieveOptions {
  signal: AbortSignal;
  maxRetries: number;
  timeout: number;
}

/** `OpenAI` of the package `openai`, version 6 or 7. */
export interface ResponsesClient {
  readonly responses: {
    retrieve(id: string, query: RetrieveQuery, options: RetrieveOptions): { asResponse(): Promise<Response> };
  };
}

/** The results of a function with up to four signatures: `openai` 6 has three of `retrieve`, `openai` 7 has four. */
type ResultOf<F> = F extends {
  (...args: never[]): infer A;
  (...args: never[]): infer B;
  (...args: never[]): infer C;
  (...args: never[]): infer D;
}
  ? Awaited<A | B | C | D>
  : never;

type RetrievedBy<Client extends ResponsesClient> = ResultOf<Client["responses"]["retrieve"]>;
type EventIn<Result> = Result extends AsyncIterable<infer Event> ? Event : never;

/** `ResponseStreamEvent` of the client's package. */
export type EventOf<Client extends ResponsesClient> = EventIn<RetrievedBy<Client>>;
/** `Response` of the client's package. */
export type ResponseOf<Client extends ResponsesClient> = Exclude<
  RetrievedBy<Client>,
  AsyncIterable<unknown> | undefined
>;
