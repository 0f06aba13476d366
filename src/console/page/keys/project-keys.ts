/** The API keys of one project. */
import { useSignal } from "@preact/signals";
import type { CreatedKey, ProjectKey } from "../../../protocol/organization/keys.ts";
import { now } from "../api/clock.ts";
import { usePolling } from "../api/poll.ts";
import { request } from "../api/requests.ts";
import { valueOf } from "../ui/fields.ts";
import { html } from "../ui/html.ts";
import { Action, Empty, OneTimeSecret, Problem } from "../ui/parts.ts";
import { formatAgo } from "../words/durations.ts";

const REFRESH_MS = 15_000;
const ENVIRONMENT_KEY = "key_env_";

export function ProjectKeys({ projectId }: { projectId: string }) {
  const path = `organization/projects/${encodeURIComponent(projectId)}/api_keys`;
  const list = usePolling((signal) => request<{ data: ProjectKey[] }>("GET", `${path}?limit=100`, { signal }), {
    everyMs: REFRESH_MS,
  });
  const name = useSignal("");
  const created = useSignal<CreatedKey | undefined>(undefined);
  const create = async (): Promise<void> => {
    created.value = await request<CreatedKey>("POST", path, { body: { name: name.value } });
    name.value = "";
    list.refresh();
  };
  const remove = async (id: string): Promise<void> => {
    await request("DELETE", `${path}/${encodeURIComponent(id)}`);
    list.refresh();
  };
  const keys = list.value.value?.data;
  return html`<div>
    ${list.error.value !== undefined && html`<${Problem}>${list.error.value}<//>`}
    ${keys?.length === 0 && html`<${Empty}>No keys.<//>`}
    <ul class="plain">
      ${keys?.map(
        (each) =>
          html`<li key=${each.id} class="key">
            <span><strong>${each.name}</strong> <code>${each.redacted_value}</code></span>
            <span class="detail"
              >${
                each.id.startsWith(ENVIRONMENT_KEY)
                  ? "of the environment"
                  : `created ${formatAgo(each.created_at * 1000, now.value)}`
              }</span
            >
            ${
              // The operator removes a key of the environment there.
              !each.id.startsWith(ENVIRONMENT_KEY) &&
              html`<${Action}
                label="Delete key"
                kind="danger"
                confirm=${`Delete the key ${each.name}? Clients that use it are refused at once.`}
                action=${() => remove(each.id)}
              />`
            }
          </li>`,
      )}
    </ul>
    ${created.value !== undefined && html`<${OneTimeSecret} label=${`Key ${created.value.name}.`} value=${created.value.value} />`}
    <form class="inline" onSubmit=${(event: Event) => event.preventDefault()}>
      <label class="field"
        >Name of a new key <input value=${name.value} onInput=${(event: Event) => (name.value = valueOf(event))}
      /></label>
      <${Action} label="Create key" isDisabled=${name.value.trim() === ""} action=${create} />
    </form>
  </div>`;
}
