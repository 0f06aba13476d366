/** Approves or refuses the calls that a response asks for. The answer is a new response that continues it. */
import { useSignal } from "@preact/signals";
import type { Response } from "../../../protocol/response.ts";
import { request } from "../api/requests.ts";
import { valueOf } from "../ui/fields.ts";
import { html } from "../ui/html.ts";
import { Action } from "../ui/parts.ts";
import { TextBox } from "../ui/text-box.ts";
import {
  addressedServers,
  type ApprovalRequest,
  continueWith,
  type Decision,
  type ServerAccess,
} from "./approval-request.ts";

interface ApprovalFormProps {
  response: Response;
  requests: readonly ApprovalRequest[];
  /** With the id of the response that continues it. */
  onAnswered: (id: string) => void;
}

export function ApprovalForm({ response, requests, onAnswered }: ApprovalFormProps) {
  const decisions = useSignal<ReadonlyMap<string, boolean>>(new Map());
  const reason = useSignal("");
  const servers = useSignal<readonly ServerAccess[]>(addressedServers(response));
  const isDecided = requests.every(({ id }) => decisions.value.has(id));
  const isAnyRefused = requests.some(({ id }) => decisions.value.get(id) === false);
  const answer = async (): Promise<void> => {
    const complete = new Map<string, Decision>();
    for (const { id } of requests) {
      const approve = decisions.value.get(id) === true;
      complete.set(id, approve ? { approve } : { approve, reason: reason.value });
    }
    const next = await request<Response>("POST", "responses", {
      body: continueWith(response, complete, servers.value),
    });
    onAnswered(next.id);
  };
  return html`<form class="approval" onSubmit=${(event: Event) => event.preventDefault()}>
    ${requests.map(
      (each) =>
        html`<fieldset key=${each.id}>
          <legend>May it call <strong>${each.server_label}.${each.name}</strong>?</legend>
          <${TextBox} name="Arguments" text=${each.arguments} />
          ${[true, false].map(
            (approve) =>
              html`<label key=${approve}>
                <input
                  type="radio"
                  name=${each.id}
                  checked=${decisions.value.get(each.id) === approve}
                  onChange=${() => (decisions.value = new Map(decisions.value).set(each.id, approve))}
                />
                ${approve ? "Approve" : "Refuse"}
              </label>`,
          )}
        </fieldset>`,
    )}
    ${
      isAnyRefused &&
      html`<label class="field">
        Reason for the model (optional)
        <input value=${reason.value} onInput=${(event: InputEvent) => (reason.value = valueOf(event))} />
      </label>`
    }
    ${
      servers.value.length > 0 &&
      html`<p class="note">
        The run addressed servers by URL. Only the origin of a URL is shown again, so please complete it.
      </p>`
    }
    ${servers.value.map((server, i) => html`<${AccessFields} key=${server.label} server=${server} onChange=${(next: ServerAccess) => (servers.value = servers.value.with(i, next))} />`)}
    <${Action}
      label=${requests.length === 1 ? "Send the decision" : "Send the decisions"}
      kind="primary"
      isDisabled=${!isDecided}
      action=${answer}
    />
  </form>`;
}

interface AccessFieldsProps {
  server: ServerAccess;
  onChange: (server: ServerAccess) => void;
}

function AccessFields({ server, onChange }: AccessFieldsProps) {
  return html`<div>
    <label class="field">
      URL of ${server.label}
      <input
        type="url"
        value=${server.url}
        onInput=${(event: InputEvent) => onChange({ ...server, url: valueOf(event) })}
      />
    </label>
    <label class="field">
      Access token for ${server.label}, if it needs one
      <input
        type="password"
        autocomplete="off"
        onInput=${(event: InputEvent) => onChange({ ...server, token: valueOf(event) })}
      />
    </label>
  </div>`;
}
