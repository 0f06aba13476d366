/** The queues and the live workers of the server. */
import type { AnyQueueState, QueueSlots, Worker } from "../../../protocol/organization-queue.ts";
import { now } from "../api/clock.ts";
import { usePolling } from "../api/poll.ts";
import { request } from "../api/requests.ts";
import { html } from "../ui/html.ts";
import { Empty, Problem, Time } from "../ui/parts.ts";
import { formatAgo, formatCount, formatTicking } from "../words/durations.ts";

const REFRESH_MS = 3000;

export function QueuesPage() {
  const queues = usePolling((signal) => request<{ data: AnyQueueState[] }>("GET", "organization/queues", { signal }), {
    everyMs: REFRESH_MS,
  });
  const workers = usePolling((signal) => request<{ data: Worker[] }>("GET", "organization/workers", { signal }), {
    everyMs: REFRESH_MS,
  });
  const error = queues.error.value ?? workers.error.value;
  return html`<section>
    <h1>Queue and workers</h1>
    ${error !== undefined && html`<${Problem}>${error}<//>`}
    <h2>Queues</h2>
    ${queues.value.value !== undefined && html`<${QueueTable} queues=${queues.value.value.data} />`}
    <h2>Workers</h2>
    ${
      workers.value.value?.data.length === 0
        ? html`<${Problem}>No worker is alive. Runs wait in the queue until one starts.<//>`
        : html`<${WorkerTable} workers=${workers.value.value?.data ?? []} />`
    }
  </section>`;
}

function QueueTable({ queues }: { queues: readonly AnyQueueState[] }) {
  if (queues.length === 0) return html`<${Empty}>There are no queues.<//>`;
  return html`<table class="rows">
    <thead>
      <tr>
        ${["Queue", "Waiting", "Oldest waits", "Delayed", "Running", "Workers"].map((name) => html`<th key=${name} scope="col">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${queues.map(
        (queue) =>
          html`<tr key=${queue.name}>
            <th scope="row" data-label="Queue">${queue.name}</th>
            <td data-label="Waiting" class="number">${formatCount(queue.waiting)} ${classesOf(queue)}</td>
            <td data-label="Oldest waits" class="number">
              ${queue.oldest_waiting_ms === null ? "" : formatTicking(queue.oldest_waiting_ms)}
            </td>
            <td data-label="Delayed" class="number">${formatCount(queue.delayed)}</td>
            <td data-label="Running" class="number">${formatCount(queue.active)}</td>
            <td data-label="Workers" class="number">
              ${queue.workers === 0 ? html`<span class="badge failed">none</span>` : formatCount(queue.workers)}
            </td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function classesOf(queue: AnyQueueState): string {
  if (queue.name === "webhooks") return queue.outbox === 0 ? "" : `(and ${formatCount(queue.outbox)} in the outbox)`;
  const parts = Object.entries(queue.by_class).filter(([, { waiting }]) => waiting > 0);
  if (parts.length < 2) return "";
  return `(${parts.map(([name, { waiting }]) => `${name} ${formatCount(waiting)}`).join(", ")})`;
}

const QUEUES = ["background", "foreground"] as const;

function WorkerTable({ workers }: { workers: readonly Worker[] }) {
  return html`<table class="rows">
    <thead>
      <tr>
        <th scope="col">Worker</th>
        ${QUEUES.map((name) => html`<th key=${name} scope="col">Runs in ${name}</th>`)}
        <th scope="col">Started</th>
        <th scope="col">Seen</th>
        <th scope="col">Version</th>
      </tr>
    </thead>
    <tbody>
      ${workers.map(
        (worker) =>
          html`<tr key=${worker.id}>
            <th scope="row" data-label="Worker">${worker.id}</th>
            ${QUEUES.map((name) => html`<td key=${name} data-label=${`Runs in ${name}`}><${SlotBar} slots=${worker.queues[name]} /></td>`)}
            <td data-label="Started">
              <${Time} ms=${worker.started_at_ms}>${formatAgo(worker.started_at_ms, now.value)}<//>
            </td>
            <td data-label="Seen"><${Time} ms=${worker.seen_at_ms}>${formatAgo(worker.seen_at_ms, now.value)}<//></td>
            <td data-label="Version">${worker.version}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

function SlotBar({ slots }: { slots: QueueSlots }) {
  const words = `${formatCount(slots.used)} of ${formatCount(slots.slots)}`;
  return html`<span class="slots"
    ><progress max=${Math.max(1, slots.slots)} value=${slots.used} aria-label=${words}></progress> ${words}</span
  >`;
}
