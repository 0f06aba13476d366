/** Calls that wait for a person, of all runs. */
import { useSignal } from "@preact/signals";
import type { Response } from "../../../protocol/response.ts";
import type { Run } from "../../../protocol/run.ts";
import { now } from "../api/clock.ts";
import { usePolling } from "../api/poll.ts";
import { query, request } from "../api/requests.ts";
import { isAdmin } from "../api/session.ts";
import { html } from "../ui/html.ts";
import { Empty, Problem, Time } from "../ui/parts.ts";
import { linkTo } from "../ui/route.ts";
import { formatTicking } from "../words/durations.ts";
import { ApprovalForm } from "./approval-form.ts";
import type { ApprovalRequest } from "./approval-request.ts";

const REFRESH_MS = 5000;
const PAGE_SIZE = 50;

type WaitingResponse = Response & { run?: Run };

export function ApprovalsPage() {
  const list = usePolling(
    (signal) =>
      request<{ data: WaitingResponse[]; has_more: boolean }>(
        "GET",
        `responses${query({ step: "waiting_for_approval", include: ["output", "run"], limit: PAGE_SIZE })}`,
        { signal },
      ),
    { everyMs: REFRESH_MS },
  );
  /** Ids of the responses that continue the answered ones. */
  const continued = useSignal<readonly string[]>([]);
  const note = (id: string): void => {
    continued.value = [...continued.value, id];
    list.refresh();
  };
  const waiting = list.value.value?.data;
  return html`<section>
    <h1>Approvals</h1>
    <p class="note">
      Each run below ended because it may not call a tool on its own. Your decision continues it as a new run.
      ${isAdmin.value && " These are the runs of this key's own project."}
    </p>
    <div role="status">
      ${continued.value.map((id) => html`<p key=${id}>Answered. <a href=${linkTo("runs", id)}>The run continues here.</a></p>`)}
    </div>
    ${list.error.value !== undefined && html`<${Problem}>${list.error.value}<//>`}
    ${waiting?.length === 0 && html`<${Empty}>Nothing waits for approval.<//>`}
    <ul class="cards">
      ${waiting?.map((response) => html`<${Waiting} key=${response.id} response=${response} onAnswered=${note} />`)}
    </ul>
    ${list.value.value?.has_more === true && html`<p class="note">More runs wait. They appear as you answer these.</p>`}
  </section>`;
}

function Waiting({ response, onAnswered }: { response: WaitingResponse; onAnswered: (id: string) => void }) {
  const sinceMs = response.run?.step.since_ms ?? response.created_at * 1000;
  return html`<li class="card">
    <h2><a href=${linkTo("runs", response.id)}>${response.id}</a></h2>
    <p class="detail">${response.model} · waits for <${Time} ms=${sinceMs}>${formatTicking(now.value - sinceMs)}<//></p>
    <${ApprovalForm} response=${response} requests=${pendingOf(response)} onAnswered=${onAnswered} />
  </li>`;
}

function pendingOf({ output, run }: WaitingResponse): ApprovalRequest[] {
  const step = run?.step;
  const isPending = (id: string): boolean => step?.type !== "waiting_for_approval" || step.approvals.includes(id);
  return output.flatMap((item) => (item.type === "mcp_approval_request" && isPending(item.id) ? [item] : []));
}
