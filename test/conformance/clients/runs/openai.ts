/** The official client's helper for streams, with the loop of its guide: a call is executed when its item is done. */
import type OpenAI from "openai";
import { z } from "zod";
import { KEY, type OfficialClient } from "../clients.ts";
import { type ClientAnswer, type ClientRun, PAY_SCHEMA, PAY_TOOL, type RunClient } from "./run.ts";

type Input = OpenAI.Responses.ResponseInputItem;

const TOOL: OpenAI.Responses.FunctionTool = {
  type: "function",
  ...PAY_TOOL,
  parameters: z.toJSONSchema(PAY_SCHEMA) as Record<string, unknown>,
  strict: true,
};

export function runOpenAi(official: OfficialClient): RunClient {
  return async (run) => {
    const client = new official.OpenAI({ baseURL: run.url, apiKey: KEY, maxRetries: 0 });
    let turn = await takeTurn(client, run, [{ role: "user", content: run.question }]);
    const responseId = turn.response.id;
    while (turn.outputs.length > 0) turn = await takeTurn(client, run, turn.outputs, turn.response.id);
    return { text: turn.response.output_text, responseId } satisfies ClientAnswer;
  };
}

async function takeTurn(client: OpenAI, run: ClientRun, input: Input[], previous?: string) {
  const { model, metadata, onText, pay } = run;
  const stream = client.responses.stream({
    model,
    metadata,
    input,
    tools: [TOOL],
    ...(previous !== undefined && { previous_response_id: previous }),
  });
  const outputs: Input[] = [];
  for await (const event of stream) {
    if (event.type === "response.output_text.delta") onText(event.delta);
    if (event.type !== "response.output_item.done" || event.item.type !== "function_call") continue;
    const { call_id, arguments: json } = event.item;
    outputs.push({ type: "function_call_output", call_id, output: pay(PAY_SCHEMA.parse(JSON.parse(json))) });
  }
  return { response: await stream.finalResponse(), outputs };
}
