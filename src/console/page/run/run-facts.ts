/** The facts of a run: models, times, tokens, cost, attempts. */
import type { Response } from "../../../protocol/response.ts";
import type { Run } from "../../../protocol/run.ts";
import { isAdmin } from "../api/session.ts";
import { type Children, html } from "../ui/html.ts";
import { Time } from "../ui/parts.ts";
import { linkTo } from "../ui/route.ts";
import { formatCost, formatCount } from "../words/durations.ts";

export function RunFacts({ response, run }: { response: Response; run: Run | undefined }) {
  const usage = run?.usage ?? response.usage;
  const createdMs = run?.created_at_ms ?? response.created_at * 1000;
  const facts: [string, Children][] = [
    ["Model", response.model],
    ["Created", html`<${Time} ms=${createdMs} />`],
  ];
  if (run?.served_model != null && run.served_model !== response.model) facts.push(["Served by", run.served_model]);
  if (usage != null) facts.push(["Tokens", tokensOf(usage)]);
  for (const fact of run === undefined ? [] : factsOf(run)) facts.push(fact);
  if (!response.background) facts.push(["Mode", "foreground"]);
  if (response.previous_response_id !== null) {
    const { previous_response_id: id } = response;
    facts.push(["Continues", html`<a href=${linkTo("runs", id)}>${id}</a>`]);
  }
  if (response.conversation !== null) facts.push(["Conversation", response.conversation.id]);
  for (const [name, value] of Object.entries(response.metadata ?? {})) {
    if (!name.startsWith("simulator.")) facts.push([name, value]);
  }
  return html`<dl class="facts" aria-label="Facts">
    ${facts.map(
      ([name, value], i) =>
        html`<div key=${i}>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

function factsOf(run: Run): [string, Children][] {
  const facts: [string, Children][] = [];
  if (run.cost_usd !== null) facts.push(["Cost", formatCost(run.cost_usd)]);
  if (isAdmin.value) facts.push(["Project", run.project]);
  if (run.worker !== null) facts.push(["Worker", run.worker]);
  if (run.turn_count > 0) facts.push(["Turns", formatCount(run.turn_count)]);
  if (run.attempt_count > 1) facts.push(["Attempts", formatCount(run.attempt_count)]);
  if (run.wait_count > 0) facts.push(["Waits", formatCount(run.wait_count)]);
  const tools = Object.entries(run.tool_calls).map(([name, { completed, failed }]) => {
    const total = `${name.replaceAll("_", " ")} ${formatCount(completed + failed)}`;
    return failed === 0 ? total : `${total} (${formatCount(failed)} failed)`;
  });
  if (tools.length > 0) facts.push(["Tool calls", tools.join(", ")]);
  return facts;
}

function tokensOf({ input_tokens, output_tokens }: NonNullable<Response["usage"]>): string {
  return `${formatCount(input_tokens)} in, ${formatCount(output_tokens)} out`;
}
