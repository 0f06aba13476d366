/** The AI SDK: `streamText` with a tool. */
import type { Line } from "../../ai-sdk/lines.ts";
import { KEY } from "../clients.ts";
import { PAY_SCHEMA, PAY_TOOL, type RunClient } from "./run.ts";

export function runAiSdk({ ai, createOpenAI }: Line): RunClient {
  return async ({ url, model, question, metadata, onText, pay }) => {
    const errors: unknown[] = [];
    const result = ai.streamText({
      model: createOpenAI({ baseURL: url, apiKey: KEY }).responses(model),
      prompt: question,
      maxRetries: 0,
      providerOptions: { openai: { metadata } },
      tools: {
        [PAY_TOOL.name]: ai.tool({ description: PAY_TOOL.description, inputSchema: PAY_SCHEMA, execute: pay }),
      },
      stopWhen: ai.stepCountIs(4),
      onError: ({ error }) => void errors.push(error),
    });
    for await (const delta of result.textStream) onText(delta);
    if (errors.length > 0) throw errors[0];
    const [first] = await result.steps;
    return { text: await result.text, responseId: first!.response.id };
  };
}
