/** Webhook endpoints of the key's project, and the tries of their deliveries. */
import { useSignal } from "@preact/signals";
import type {
  WebhookEndpoint,
  WebhookEndpointTestResult,
  WebhookEndpointWithSecret,
} from "../../../protocol/webhook.ts";
import { usePolling } from "../api/poll.ts";
import { request } from "../api/requests.ts";
import { isChecked, valueOf } from "../ui/fields.ts";
import { html } from "../ui/html.ts";
import { Action, Empty, OneTimeSecret, Problem } from "../ui/parts.ts";
import { Deliveries } from "./deliveries.ts";

const REFRESH_MS = 10_000;
const EVENT_TYPES = ["response.completed", "response.failed", "response.cancelled", "response.incomplete"];

export function WebhooksPage() {
  const list = usePolling(
    (signal) => request<{ data: WebhookEndpoint[] }>("GET", "webhook_endpoints?limit=100", { signal }),
    {
      everyMs: REFRESH_MS,
    },
  );
  const secret = useSignal<{ name: string; value: string } | undefined>(undefined);
  const showSecret = ({ name, signing_secret: value }: WebhookEndpointWithSecret): void => {
    secret.value = { name, value };
    list.refresh();
  };
  const endpoints = list.value.value?.data;
  return html`<section>
    <h1>Webhooks</h1>
    ${list.error.value !== undefined && html`<${Problem}>${list.error.value}<//>`}
    ${secret.value !== undefined && html`<${OneTimeSecret} label=${`Signing secret of ${secret.value.name}.`} value=${secret.value.value} />`}
    ${endpoints?.length === 0 && html`<${Empty}>No endpoint is notified yet.<//>`}
    <ul class="cards">
      ${endpoints?.map(
        (endpoint) =>
          html`<${EndpointCard}
            key=${endpoint.id}
            endpoint=${endpoint}
            onSecret=${showSecret}
            onChange=${list.refresh}
          />`,
      )}
    </ul>
    <${NewEndpoint} onCreated=${showSecret} />
  </section>`;
}

interface EndpointCardProps {
  endpoint: WebhookEndpoint;
  onSecret: (endpoint: WebhookEndpointWithSecret) => void;
  onChange: () => void;
}

function EndpointCard({ endpoint, onSecret, onChange }: EndpointCardProps) {
  const path = `webhook_endpoints/${encodeURIComponent(endpoint.id)}`;
  const isOpen = useSignal(false);
  const tested = useSignal("");
  const test = async (): Promise<void> => {
    const body = { event_type: endpoint.event_types[0] };
    tested.value = "";
    const { status_code: status } = await request<WebhookEndpointTestResult>("POST", `${path}/test`, { body });
    tested.value = `The receiver answered ${status}.`;
  };
  const rotate = async (): Promise<void> => {
    const body = { keep_old_secret_active_for_24_hours: true };
    onSecret(await request<WebhookEndpointWithSecret>("POST", `${path}/rotate_secret`, { body }));
  };
  const remove = async (): Promise<void> => {
    await request("DELETE", path);
    onChange();
  };
  const {
    name,
    url,
    event_types: types,
    signing_secret_hint: hint,
    status,
    disabled_reason: reason,
    read_only: isFixed,
  } = endpoint;
  return html`<li class="card">
    <h2>${name}</h2>
    ${status === "disabled" && html`<${Problem}>${reason === "gone" ? "Disabled: the receiver answered that it is gone." : "Disabled: every try failed for days."}<//>`}
    <p class="detail">${url}</p>
    <p class="detail">${types.join(", ")}${hint !== null && ` · secret ${hint}`}</p>
    <div class="buttons">
      <${Action} label="Send a test" action=${test} /> <span role="status">${tested.value}</span>
      <button type="button" aria-expanded=${isOpen.value} onClick=${() => (isOpen.value = !isOpen.value)}>
        Deliveries
      </button>
      ${
        !isFixed &&
        html`<${Action}
          label="New secret"
          confirm="Make a new signing secret? The old one stays valid for 24 hours."
          action=${rotate}
        />`
      }
      ${
        !isFixed &&
        html`<${Action}
          label="Delete"
          kind="danger"
          confirm="Delete this endpoint? Events that wait for it are not delivered."
          action=${remove}
        />`
      }
    </div>
    ${isOpen.value && html`<${Deliveries} path=${path} />`}
  </li>`;
}

function NewEndpoint({ onCreated }: { onCreated: (endpoint: WebhookEndpointWithSecret) => void }) {
  const name = useSignal("");
  const url = useSignal("");
  const types = useSignal<readonly string[]>(EVENT_TYPES);
  const create = async (): Promise<void> => {
    const body = { name: name.value, url: url.value, event_types: types.value };
    onCreated(await request<WebhookEndpointWithSecret>("POST", "webhook_endpoints", { body }));
    name.value = "";
    url.value = "";
  };
  const choose = (type: string, isOn: boolean): void => {
    types.value = EVENT_TYPES.filter((each) => (each === type ? isOn : types.value.includes(each)));
  };
  return html`<form class="card" onSubmit=${(event: Event) => event.preventDefault()}>
    <h2>New endpoint</h2>
    <label class="field"
      >Name <input value=${name.value} onInput=${(event: Event) => (name.value = valueOf(event))}
    /></label>
    <label class="field"
      >URL <input type="url" value=${url.value} onInput=${(event: Event) => (url.value = valueOf(event))}
    /></label>
    <fieldset>
      <legend>Events</legend>
      ${EVENT_TYPES.map(
        (type) =>
          html`<label class="check" key=${type}>
            <input
              type="checkbox"
              checked=${types.value.includes(type)}
              onChange=${(event: Event) => choose(type, isChecked(event))}
            />
            ${type}
          </label>`,
      )}
    </fieldset>
    <${Action}
      label="Create"
      kind="primary"
      isDisabled=${name.value === "" || url.value === "" || types.value.length === 0}
      action=${create}
    />
  </form>`;
}
