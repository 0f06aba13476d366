/** The agents SDK: a streamed run of an agent with a tool. */
import { Agent, OpenAIProvider, Runner, tool } from "@openai/agents";
import OpenAI from "openai";
import { KEY } from "../clients.ts";
import { PAY_SCHEMA, PAY_TOOL, type RunClient } from "./run.ts";

export const runAgents: RunClient = async ({ url, model, question, metadata, onText, pay }) => {
  const openAIClient = new OpenAI({ baseURL: url, apiKey: KEY, maxRetries: 0 });
  // Traces would go to the vendor.
  const runner = new Runner({
    modelProvider: new OpenAIProvider({ openAIClient, useResponses: true }),
    tracingDisabled: true,
  });
  const agent = new Agent({
    name: "Treasurer",
    model,
    modelSettings: { providerData: { metadata } },
    tools: [tool({ ...PAY_TOOL, parameters: PAY_SCHEMA, execute: pay })],
  });
  const stream = await runner.run(agent, question, { stream: true });
  for await (const delta of stream.toTextStream()) onText(delta);
  await stream.completed;
  return { text: String(stream.finalOutput), responseId: stream.rawResponses[0]!.responseId! };
};
