/**
 * A web page: background responses followed with the browser's EventSource, each call executed when its item is done.
 */
import { z } from "zod";
import type { ResponseStreamEvent } from "../../../../src/protocol/event.ts";
import type { Response } from "../../../../src/protocol/response.ts";
import { create } from "../../../support/api-client.ts";
import type { FollowingPage } from "../../../support/following-page.ts";
import { actOnFinalResponse } from "../../../support/acting-client.ts";
import { SENT } from "../../events/event-types.ts";
import { type ClientRun, PAY_SCHEMA, PAY_TOOL, type RunClient } from "./run.ts";

const TOOL = { type: "function", ...PAY_TOOL, parameters: z.toJSONSchema(PAY_SCHEMA), strict: true };

export function runEventSource(pageOf: () => FollowingPage): RunClient {
  return async (run) => {
    let turn = await takeTurn(pageOf(), run, { input: run.question });
    const responseId = turn.response.id;
    while (turn.outputs.length > 0) {
      turn = await takeTurn(pageOf(), run, { input: turn.outputs, previous_response_id: turn.response.id });
    }
    return { text: actOnFinalResponse(turn.response).text, responseId };
  };
}

async function takeTurn(page: FollowingPage, { url, model, metadata, onText, pay }: ClientRun, fields: object) {
  const { id } = await create(url, { model, metadata, tools: [TOOL], background: true, ...fields });
  const outputs: object[] = [];
  const ended = Promise.withResolvers<Response>();
  const accept = (event: ResponseStreamEvent): void => {
    if (event.type === "response.output_text.delta") onText(event.delta);
    if (event.type === "response.completed") ended.resolve(event.response);
    if (event.type !== "response.output_item.done" || event.item.type !== "function_call") return;
    const { call_id, arguments: json } = event.item;
    outputs.push({ type: "function_call_output", call_id, output: pay(PAY_SCHEMA.parse(JSON.parse(json))) });
  };
  const end = await page.follow(`${url}/responses/${id}?stream=true`, {
    types: SENT,
    closesAtTheEnd: true,
    onEvent: ({ data }) => {
      try {
        accept(JSON.parse(data) as ResponseStreamEvent);
      } catch (error) {
        ended.reject(error);
      }
    },
  });
  if (end !== "closed") ended.reject(new Error(`The EventSource was ${end}.`));
  return { response: await ended.promise, outputs };
}
