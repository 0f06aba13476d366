/** The types of `background-responses/client` are those of the caller's own `openai`. The compiler runs this file. */
import type OpenAI from "openai";
import type OpenAI6 from "openai-6";
import type { EventOf, ResponseOf } from "../../../src/client/index.ts";

/** Neither side has a member that the other lacks; `never` is on no side. */
type Same<A extends B, B extends C, C = A> = [A, B, C];

export type Events7 = Same<EventOf<OpenAI>, OpenAI.Responses.ResponseStreamEvent>;
export type Events6 = Same<EventOf<OpenAI6>, OpenAI6.Responses.ResponseStreamEvent>;
export type Responses7 = Same<ResponseOf<OpenAI>, OpenAI.Responses.Response>;
export type Responses6 = Same<ResponseOf<OpenAI6>, OpenAI6.Responses.Response>;
