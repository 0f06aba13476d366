/** Runs as rows: a table on a wide screen, cards on a narrow one. */
import type { Response } from "../../../protocol/response.ts";
import type { Run } from "../../../protocol/run.ts";
import { isAdmin } from "../api/session.ts";
import { html } from "../ui/html.ts";
import { StatusBadge, Time } from "../ui/parts.ts";
import { linkTo } from "../ui/route.ts";
import { formatAgo, formatCompact, formatCost, formatTicking } from "../words/durations.ts";
import { describeStepWithTime, durationOf } from "../words/step-words.ts";

/** As the list shows it: without output, with the run where the server knows it. */
export interface ListedRun extends Omit<Response, "output"> {
  run?: Run;
}

export function RunTable({ runs, nowMs }: { runs: readonly ListedRun[]; nowMs: number }) {
  const columns = ["Run", "Status", "Model", "Started", "Duration", "Tokens", "Cost"];
  if (isAdmin.value) columns.splice(3, 0, "Project");
  return html`<table class="rows">
    <caption class="off-screen">
      Runs, newest first
    </caption>
    <thead>
      <tr>
        ${columns.map((name) => html`<th key=${name} scope="col">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${runs.map((run) => html`<${RunRow} key=${run.id} listed=${run} nowMs=${nowMs} />`)}
    </tbody>
  </table>`;
}

function RunRow({ listed, nowMs }: { listed: ListedRun; nowMs: number }) {
  const { id, status, model, run } = listed;
  const createdMs = run?.created_at_ms ?? listed.created_at * 1000;
  const usage = run?.usage ?? listed.usage;
  const step = stepWords(listed, nowMs);
  return html`<tr>
    <th scope="row" data-label="Run"><a href=${linkTo("runs", id)}>${shortId(id)}</a></th>
    <td data-label="Status">
      <${StatusBadge} status=${status} /> ${step !== "" && html`<span class="step-words">${step}</span>`}
    </td>
    <td data-label="Model">${model}</td>
    ${isAdmin.value && html`<td data-label="Project">${run?.project}</td>`}
    <td data-label="Started"><${Time} ms=${createdMs}>${formatAgo(createdMs, nowMs)}<//></td>
    <td data-label="Duration" class="number">${run === undefined ? "" : formatTicking(durationOf(run, nowMs))}</td>
    <td data-label="Tokens" class="number">${usage == null ? "" : formatCompact(usage.total_tokens)}</td>
    <td data-label="Cost" class="number">${run?.cost_usd == null ? "" : formatCost(run.cost_usd)}</td>
  </tr>`;
}

function stepWords({ run, error, incomplete_details: incomplete }: ListedRun, nowMs: number): string {
  if (run !== undefined && run.step.type !== "ended") return describeStepWithTime(run.step, nowMs);
  return error?.code ?? incomplete?.reason ?? "";
}

/** Ids are long; their ends differ. The whole id is in the link. */
function shortId(id: string): string {
  return id.length > 20 ? `${id.slice(0, 9)}…${id.slice(-6)}` : id;
}
