/** One run: what it does now, its timeline, and its report as it is written. */
import { useComputed } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { ResponseStatus } from "../../../protocol/response.ts";
import type { Run } from "../../../protocol/run.ts";
import { now } from "../api/clock.ts";
import { Action, Empty, Problem, StatusBadge } from "../ui/parts.ts";
import { html } from "../ui/html.ts";
import { formatTicking } from "../words/durations.ts";
import { isTerminalStatus } from "../words/statuses.ts";
import { describeStepWithTime, durationOf, explainStep } from "../words/step-words.ts";
import { ReportPart } from "./report-view.ts";
import { RunActions } from "./run-actions.ts";
import { RunFacts } from "./run-facts.ts";
import { RunView } from "./run-view.ts";
import { Timeline } from "./timeline.ts";

export function RunPage({ id }: { id: string }) {
  const view = useMemo(() => new RunView(id), [id]);
  useEffect(() => {
    view.open();
    return () => view.close();
  }, [view]);
  const response = view.response.value;
  const connection = view.connection.value;
  if (connection.state === "refused") {
    const isMissing = connection.error.status === 404;
    return html`<section>
      <h1>Run</h1>
      <p class="id">${id}</p>
      <${Problem}
        >${isMissing ? "There is no such run. It was deleted, its retention has ended, or it belongs to another project." : connection.error.message}<//
      >
      ${isMissing || html`<${Action} label="Try again" kind="primary" action=${async () => view.open()} />`}
    </section>`;
  }
  if (response === undefined)
    return html`<section>
      <h1>Run</h1>
      <${Connected} view=${view} />
    </section>`;
  return html`<article class="run">
    <header>
      <h1>Run</h1>
      <p class="id">${id}</p>
      <${StepLine} view=${view} />
      <${Connected} view=${view} />
      <${RunActions} view=${view} />
    </header>
    <${RunFacts} response=${response} run=${view.run.value} />
    <div class="columns">
      <section aria-labelledby="report">
        <h2 id="report">Report</h2>
        <${Report} view=${view} />
      </section>
      <section aria-labelledby="timeline">
        <h2 id="timeline">Timeline</h2>
        <${Timeline} view=${view} />
      </section>
    </div>
  </article>`;
}

function StepLine({ view }: { view: RunView }) {
  const run = view.run.value;
  const response = view.response.value!;
  const { status } = response;
  const step = run !== undefined && isShown(run, status) ? run.step : undefined;
  const explanation = step && explainStep(step, now.value);
  const error = run?.error ?? response.error;
  return html`<div class="now">
    <p aria-live="polite">
      <${StatusBadge} status=${status} />${" "}
      <span>${step === undefined ? "" : describeStepWithTime(step, now.value)}</span>
    </p>
    ${run !== undefined && html`<p class="duration">${isTerminalStatus(status) ? "Took" : "Runs for"} ${formatTicking(durationOf(run, now.value))}</p>`}
    ${explanation !== undefined && html`<p class="note">${explanation}</p>`}
    ${
      error !== null &&
      isTerminalStatus(status) &&
      html`<${Problem}>
        <strong>${error.code}</strong>: ${error.message}
        ${run?.error?.cause != null && html`<span class="cause">${run.error.cause}</span>`}
      <//>`
    }
    ${response.incomplete_details !== null && html`<p class="note">Stopped at a limit: ${response.incomplete_details.reason}.</p>`}
  </div>`;
}

/** The stream may tell of the end before the run does. */
function isShown({ step }: Run, status: ResponseStatus): boolean {
  return step.type !== "ended" && (!isTerminalStatus(status) || step.type === "waiting_for_approval");
}

/** Nothing while all is well. */
function Connected({ view }: { view: RunView }) {
  const connection = view.connection.value;
  const isLoading = connection.state === "connecting" && view.last < 0;
  return html`<p class="connection" role="status">
    ${isLoading && "Loading …"}
    ${connection.state === "waiting" && `${connection.reason} Reconnecting after event ${view.last} …`}
  </p>`;
}

/** The last message of the output. Earlier ones are in the timeline. */
function Report({ view }: { view: RunView }) {
  const index = useComputed(() => {
    void view.stepCount.value;
    return view.steps.findLastIndex(({ item }) => item.type === "message");
  });
  if (index.value < 0) {
    const isOver = view.connection.value.state === "over";
    return html`<${Empty}>${isOver ? "The run wrote no report." : "The report appears here as it is written."}<//>`;
  }
  return html`<${ReportMessage} key=${index.value} view=${view} index=${index.value} />`;
}

function ReportMessage({ view, index }: { view: RunView; index: number }) {
  const { item, doneAt } = view.stepAt(index).value;
  if (item.type !== "message") return null;
  return html`<div class="report" aria-busy=${doneAt === undefined}>
    ${item.content.map((part, i) => html`<${ReportPart} key=${i} part=${part} isWriting=${doneAt === undefined} />`)}
  </div>`;
}
