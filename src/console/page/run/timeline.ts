/** The timeline of a run: a row per step, in true times, with what happened between them. */
import { useComputed, useSignal } from "@preact/signals";
import type { Run } from "../../../protocol/run.ts";
import { ApprovalForm } from "../approvals/approval-form.ts";
import { now } from "../api/clock.ts";
import { CopyButton } from "../ui/copy.ts";
import { html } from "../ui/html.ts";
import { Time } from "../ui/parts.ts";
import { goTo, linkTo } from "../ui/route.ts";
import { formatClock, formatDuration, formatTicking } from "../words/durations.ts";
import { describeAttemptEnd } from "../words/step-words.ts";
import { describeItem } from "./describe-item.ts";
import { ItemBody, WebLink } from "./item-body.ts";
import { ReportPart } from "./report-view.ts";
import type { Step } from "./run-log.ts";
import type { RunView } from "./run-view.ts";
import { arrangeRows, type Mark, marksOf } from "./timeline-rows.ts";

/** Steps shown at first, and added by each press of the button: the newest ones. */
const STEPS_SHOWN = 150;

export function Timeline({ view }: { view: RunView }) {
  const shown = useSignal(STEPS_SHOWN);
  const firstStep = useComputed(() => Math.max(0, view.stepCount.value - shown.value));
  const rows = useComputed(() => {
    void view.timesVersion.value;
    void view.stepCount.value;
    const { attempts = [], turn_starts: turnStarts = [] } = view.run.value ?? {};
    const timeOf = (number: number): number | undefined => view.times.at(number);
    return arrangeRows({ steps: view.steps, marks: marksOf(attempts), turnStarts, timeOf }, firstStep.value);
  });
  if (view.stepCount.value === 0 && rows.value.length === 0)
    return html`<p class="empty">Nothing has happened yet.</p>`;
  return html`<div>
    ${
      firstStep.value > 0 &&
      html`<p>
        <button type="button" onClick=${() => (shown.value += STEPS_SHOWN)}>
          Show ${Math.min(STEPS_SHOWN, firstStep.value)} of ${firstStep.value} earlier steps
        </button>
      </p>`
    }
    <ol class="timeline">
      ${rows.value.map((row) => {
        if (row.type === "turn") return html`<li key=${`turn ${row.number}`} class="turn">Turn ${row.number}</li>`;
        if (row.type === "mark") {
          const { attempt, kind } = row.mark;
          return html`<${MarkRow} key=${`${attempt.attempt} ${kind}`} mark=${row.mark} />`;
        }
        return html`<${StepRow} key=${row.index} view=${view} index=${row.index} />`;
      })}
    </ol>
  </div>`;
}

function MarkRow({ mark: { kind, atMs, attempt } }: { mark: Mark }) {
  const words =
    kind === "start"
      ? `${attempt.attempt === 1 ? "Started" : `Attempt ${attempt.attempt} started`} on worker ${attempt.worker}`
      : `Worker ${attempt.worker} ${attempt.end === null ? "stopped" : describeAttemptEnd(attempt.end)}`;
  return html`<li class=${`mark ${kind}`}>
    <${Clock} ms=${atMs} />
    <div>
      <p>${words}</p>
      ${kind !== "start" && attempt.reason !== null && html`<p class="detail">${attempt.reason}</p>`}
    </div>
  </li>`;
}

function Clock({ ms }: { ms: number | undefined }) {
  return html`<span class="clock">${ms !== undefined && html`<${Time} ms=${ms}>${formatClock(ms)}<//>`}</span>`;
}

/** Changes with its own item only, so that a long run with many steps stays cheap to show. */
function StepRow({ view, index }: { view: RunView; index: number }) {
  const step = view.stepAt(index).value;
  void view.timesVersion.value;
  const { item } = step;
  const words = describeItem(item, step.doneAt !== undefined);
  return html`<li class=${`step ${words.outcome.replace(" ", "-")}`}>
    <${Clock} ms=${view.times.at(step.addedAt)} />
    <div>
      <p class="title"><span>${words.title}</span> <${Outcome} view=${view} step=${step} outcome=${words.outcome} /></p>
      ${
        words.detail !== undefined &&
        html`<p class="detail">
          ${words.url === undefined ? words.detail : html`<${WebLink} address=${words.url} />`}
        </p>`
      }
      ${item.type === "mcp_approval_request" && html`<${PendingApproval} view=${view} id=${item.id} />`}
      <${StepContent} step=${step} />
    </div>
  </li>`;
}

function Outcome({ view, step, outcome }: { view: RunView; step: Step; outcome: string }) {
  const startMs = view.times.at(step.addedAt);
  const endMs = step.doneAt === undefined ? undefined : view.times.at(step.doneAt);
  let duration = "";
  if (startMs !== undefined && endMs !== undefined && endMs > startMs) duration = formatDuration(endMs - startMs);
  else if (startMs !== undefined && step.doneAt === undefined) duration = formatTicking(now.value - startMs);
  const isPlain = outcome === "done" || outcome === "waiting";
  return html`<span class="outcome">
    ${!isPlain && html`<span class=${`badge ${outcome.replace(" ", "-")}`}>${outcome}</span>`} ${duration}
  </span>`;
}

/** Content and JSON are made only while they are open. */
function StepContent({ step: { item, index, doneAt } }: { step: Step }) {
  const isOpen = useSignal(false);
  const isJson = useSignal(false);
  const toggle = (event: Event): void => {
    isOpen.value = event.currentTarget instanceof HTMLDetailsElement && event.currentTarget.open;
  };
  return html`<details class="content" onToggle=${toggle}>
    <summary>Details<span class="off-screen"> of step ${index + 1}</span></summary>
    ${
      isOpen.value &&
      html`<div>
        ${
          item.type === "message"
            ? item.content.map(
                (part, i) => html`<${ReportPart} key=${i} part=${part} isWriting=${doneAt === undefined} />`,
              )
            : html`<${ItemBody} item=${item} />`
        }
        <p class="buttons">
          <button type="button" aria-pressed=${isJson.value} onClick=${() => (isJson.value = !isJson.value)}>
            JSON
          </button>
          <${CopyButton} label="Copy JSON" text=${() => toJson(item)} />
        </p>
        ${isJson.value && html`<pre class="json" tabindex="0" aria-label="JSON">${clipJson(toJson(item))}</pre>`}
      </div>`
    }
  </details>`;
}

const SHOWN_JSON_LENGTH = 100_000;

function toJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}

function clipJson(json: string): string {
  if (json.length <= SHOWN_JSON_LENGTH) return json;
  return `${json.slice(0, SHOWN_JSON_LENGTH)}\n… ${json.length - SHOWN_JSON_LENGTH} more characters. Copy the JSON to have them all.`;
}

/** The request can be answered where it is shown, unless a later response has answered it. */
function PendingApproval({ view, id }: { view: RunView; id: string }) {
  const response = view.response.value;
  if (response === undefined || !isPending(view.run.value, id) || view.connection.value.state !== "over") return null;
  const requests = view.steps.flatMap(({ item }) => (item.type === "mcp_approval_request" ? [item] : []));
  // One form answers all requests of the response.
  if (requests.at(-1)?.id !== id) return null;
  return html`<${ApprovalForm}
    response=${response}
    requests=${requests}
    onAnswered=${(next: string) => goTo(linkTo("runs", next))}
  />`;
}

function isPending(run: Run | undefined, id: string): boolean {
  return run === undefined || (run.step.type === "waiting_for_approval" && run.step.approvals.includes(id));
}
