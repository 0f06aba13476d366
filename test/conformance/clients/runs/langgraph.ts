/**
 * LangGraph's ReAct agent over LangChain's ChatOpenAI. It executes the calls assembled from its stream, and repairs cut
 * JSON.
 */
import { AIMessageChunk, type BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { createReactAgent } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { KEY } from "../clients.ts";
import { PAY_SCHEMA, PAY_TOOL, type RunClient } from "./run.ts";

// Traces would go to a service of LangChain.
for (const name of ["LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"]) process.env[name] = "false";

export const runLangGraph: RunClient = async ({ url, model, question, metadata, onText, pay }) => {
  const llm = new ChatOpenAI({
    model,
    apiKey: KEY,
    useResponsesApi: true,
    streaming: true,
    maxRetries: 0,
    configuration: { baseURL: url },
    modelKwargs: { metadata },
  });
  const agent = createReactAgent({ llm, tools: [tool(pay, { ...PAY_TOOL, schema: PAY_SCHEMA })] });
  const stream = await agent.stream(
    { messages: [{ role: "user", content: question }] },
    { streamMode: ["messages", "values"] },
  );
  let messages: BaseMessage[] = [];
  for await (const [mode, data] of stream) {
    if (mode === "values") messages = data.messages;
    else if (data[0] instanceof AIMessageChunk) onText(data[0].text);
  }
  const first = messages.find((message) => message.getType() === "ai")!;
  return { text: messages.at(-1)!.text, responseId: String(first.response_metadata["id"]) };
};
