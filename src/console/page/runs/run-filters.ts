/** Which runs are listed. The filter is part of the address, so that it can be kept and shared. */
import { models, isAdmin } from "../api/session.ts";
import { ProjectSelect } from "../ui/project-select.ts";
import { valueOf } from "../ui/fields.ts";
import { html } from "../ui/html.ts";
import { replaceQuery } from "../ui/route.ts";
import { describeStatus, STATUSES } from "../words/statuses.ts";

export interface RunFilter {
  /** A status, or a group of them. */
  status: string;
  model: string;
  project: string;
}

const IN_FLIGHT = "in_flight";
const APPROVAL = "waiting_for_approval";

export function readFilter(query: URLSearchParams): RunFilter {
  return {
    status: query.get("status") ?? "",
    model: query.get("model") ?? "",
    project: query.get("project") ?? "*",
  };
}

/** The parameters of the list. */
export function filterQuery({ status, model, project }: RunFilter): Record<string, string | string[] | undefined> {
  return {
    ...(status === IN_FLIGHT ? { status: ["queued", "in_progress"] } : {}),
    ...(status === APPROVAL ? { step: APPROVAL } : {}),
    ...(status !== "" && status !== IN_FLIGHT && status !== APPROVAL ? { status } : {}),
    model: model === "" ? undefined : model,
    project: isAdmin.value ? project : undefined,
  };
}

export function RunFilters({ filter }: { filter: RunFilter }) {
  const change = (name: keyof RunFilter, value: string): void => {
    const query = new URLSearchParams();
    for (const [each, current] of Object.entries({ ...filter, [name]: value })) {
      if (current !== "" && !(each === "project" && current === "*")) query.set(each, current);
    }
    replaceQuery(query);
  };
  return html`<form
    class="filters"
    role="search"
    aria-label="Filter runs"
    onSubmit=${(event: Event) => event.preventDefault()}
  >
    <label class="field">
      Status
      <select value=${filter.status} onChange=${(event: Event) => change("status", valueOf(event))}>
        <option value="">all</option>
        <option value=${IN_FLIGHT}>not ended</option>
        <option value=${APPROVAL}>waiting for approval</option>
        ${STATUSES.map((status) => html`<option key=${status} value=${status}>${describeStatus(status)}</option>`)}
      </select>
    </label>
    <label class="field">
      Model
      <input
        list="models"
        value=${filter.model}
        placeholder="all"
        onChange=${(event: Event) => change("model", valueOf(event).trim())}
      />
    </label>
    <datalist id="models">${models.value.map(({ id }) => html`<option key=${id} value=${id}></option>`)}</datalist>
    ${
      isAdmin.value &&
      html`<${ProjectSelect}
        label="Project"
        value=${filter.project}
        all="*"
        onChange=${(value: string) => change("project", value)}
      />`
    }
  </form>`;
}
