/** `report`: the answer of an ended response as Markdown, with its citations as footnotes. */
import type OpenAI from "openai";
import type { ClientCli, JsonFlag } from "../cli.ts";
import { CliError, exitCodeOf } from "../exit-codes.ts";
import { writeReport } from "../words/report.ts";

export async function report({ client, terminal }: ClientCli, id: string, { json }: JsonFlag): Promise<number> {
  const response = await client.responses.retrieve(id);
  const { status = "completed" } = response;
  if (status === "queued" || status === "in_progress") {
    throw new CliError(`${id} is ${status}: follow it with \`background-responses tail ${id}\`.`);
  }
  const message = findAnswer(response);
  if (message === undefined)
    throw new CliError(`${id} is ${status} and has no text: ${reasonOf(response)}.`, exitCodeOf(status) || 1);
  const written = writeReport(message);
  if (json) terminal.print(JSON.stringify({ id, status, ...written }));
  else terminal.printText(written.markdown);
  if (status !== "completed") terminal.note(`${id} is ${status}: ${reasonOf(response)}.`, "yellow");
  return exitCodeOf(status);
}

/** The last message, whole if there is a whole one. */
function findAnswer({ output }: OpenAI.Responses.Response): OpenAI.Responses.ResponseOutputMessage | undefined {
  const messages = output.filter((item) => item.type === "message");
  return messages.findLast(({ status }) => status === "completed") ?? messages.at(-1);
}

const reasonOf = (response: OpenAI.Responses.Response): string =>
  response.error?.message.replace(/\.$/, "") ??
  response.incomplete_details?.reason ??
  approvalOf(response) ??
  "no reason is given";

function approvalOf({ output }: OpenAI.Responses.Response): string | undefined {
  const asked = output.filter((item) => item.type === "mcp_approval_request");
  if (asked.length === 0) return undefined;
  const calls = asked.map(({ server_label, name }) => `${server_label}.${name}`);
  return `it asks whether it may call ${calls.join(" and ")}; answer it on the page Approvals of the console`;
}
