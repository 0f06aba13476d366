/** The tries of an endpoint's deliveries, newest first. */
import type { WebhookDelivery } from "../../../protocol/webhook.ts";
import { usePolling } from "../api/poll.ts";
import { now } from "../api/clock.ts";
import { request } from "../api/requests.ts";
import { html } from "../ui/html.ts";
import { Empty, Problem } from "../ui/parts.ts";
import { linkTo } from "../ui/route.ts";
import { formatAgo, formatDuration, formatTicking } from "../words/durations.ts";

const REFRESH_MS = 3000;

/** `path` is that of the endpoint. */
export function Deliveries({ path }: { path: string }) {
  const list = usePolling(
    (signal) => request<{ data: WebhookDelivery[] }>("GET", `${path}/deliveries?limit=20`, { signal }),
    {
      everyMs: REFRESH_MS,
      inputs: [path],
    },
  );
  const deliveries = list.value.value?.data;
  if (list.error.value !== undefined) return html`<${Problem}>${list.error.value}<//>`;
  if (deliveries?.length === 0) return html`<${Empty}>Nothing was delivered yet.<//>`;
  return html`<table class="rows">
    <thead>
      <tr>
        ${["Event", "Run", "Try", "Answer", "Sent", "Took", "Next try"].map((name) => html`<th key=${name} scope="col">${name}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${deliveries?.map((delivery) => html`<${DeliveryRow} key=${delivery.id} delivery=${delivery} />`)}
    </tbody>
  </table>`;
}

function DeliveryRow({ delivery }: { delivery: WebhookDelivery }) {
  const { event_type: type, response_id: run, attempt, status_code: status, error, state } = delivery;
  const { sent_at: sentAt, duration_ms: tookMs, next_attempt_at: nextAt } = delivery;
  const isDelivered = state === "delivered";
  return html`<tr>
    <th scope="row" data-label="Event">${type}</th>
    <td data-label="Run"><a href=${linkTo("runs", run)}>${run.slice(-8)}</a></td>
    <td data-label="Try" class="number">${attempt}</td>
    <td data-label="Answer">
      <span class=${`badge ${isDelivered ? "completed" : "failed"}`}>${status ?? state}</span> ${error}
    </td>
    <td data-label="Sent">${formatAgo(sentAt * 1000, now.value)}</td>
    <td data-label="Took" class="number">${formatDuration(tookMs)}</td>
    <td data-label="Next try">${nextAt === null ? "" : `in ${formatTicking(nextAt * 1000 - now.value)}`}</td>
  </tr>`;
}
