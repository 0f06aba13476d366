/** The list of runs, newest first, live. */
import { useSignal } from "@preact/signals";
import { now } from "../api/clock.ts";
import { usePolling } from "../api/poll.ts";
import { messageOf, query, request } from "../api/requests.ts";
import { areas } from "../api/session.ts";
import { html } from "../ui/html.ts";
import { Empty, Problem } from "../ui/parts.ts";
import { goTo, linkTo, route } from "../ui/route.ts";
import { filterQuery, readFilter, RunFilters } from "./run-filters.ts";
import { type ListedRun, RunTable } from "./run-table.ts";

const REFRESH_MS = 3000;
const PAGE_SIZE = 50;
/** Older pages are not refreshed; this many rows stay quick to show. */
const MAX_ROWS = 1000;

interface RunList {
  data: ListedRun[];
  last_id: string | null;
  has_more: boolean;
}

export function RunsPage() {
  if (!areas.value.has("lists")) return html`<${RunById} />`;
  const filter = readFilter(route.value.query);
  const older = useSignal<{ key: string; runs: readonly ListedRun[]; hasMore: boolean } | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const search = filterQuery(filter);
  const key = JSON.stringify(search);
  const ask = (after?: string, signal?: AbortSignal): Promise<RunList> => {
    const path = `responses${query({ ...search, limit: PAGE_SIZE, include: ["run"], after })}`;
    return request<RunList>("GET", path, signal === undefined ? {} : { signal });
  };
  const newest = usePolling((signal) => ask(undefined, signal), { everyMs: REFRESH_MS, inputs: [key] });
  const page = newest.value.value;
  const olderRuns = older.value?.key === key ? older.value.runs : [];
  const rows = mergeRuns(page?.data ?? [], olderRuns);
  const hasMore = older.value?.key === key ? older.value.hasMore : page?.has_more === true;
  const showMore = async (): Promise<void> => {
    try {
      const next = await ask(rows.at(-1)?.id);
      older.value = { key, runs: [...rows, ...next.data], hasMore: next.has_more };
      problem.value = undefined;
    } catch (error) {
      problem.value = messageOf(error);
    }
  };
  const error = newest.error.value ?? problem.value;
  return html`<section>
    <div class="heading">
      <h1>Runs</h1>
      <a class="button primary" href=${linkTo("new")}>New run</a>
    </div>
    <${RunFilters} filter=${filter} />
    ${error !== undefined && html`<${Problem}>${error}<//>`}
    ${page === undefined && error === undefined && html`<${Empty}>Loading …<//>`}
    ${page !== undefined && rows.length === 0 && html`<${Empty}>No runs match. <a href=${linkTo("new")}>Start one.</a><//>`}
    ${rows.length > 0 && html`<${RunTable} runs=${rows} nowMs=${now.value} />`}
    ${hasMore && rows.length < MAX_ROWS && html`<p><button type="button" onClick=${showMore}>Show older runs</button></p>`}
    ${rows.length >= MAX_ROWS && html`<p class="note">Filter to see older runs.</p>`}
  </section>`;
}

/** The newest page replaces rows that it has again. */
function mergeRuns(newest: readonly ListedRun[], older: readonly ListedRun[]): readonly ListedRun[] {
  const ids = new Set(newest.map(({ id }) => id));
  return [...newest, ...older.filter(({ id }) => !ids.has(id))];
}

/** For a server that lists no runs. */
function RunById() {
  const open = (event: SubmitEvent): void => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const id = new FormData(event.currentTarget).get("id");
    if (typeof id === "string" && id.trim() !== "") goTo(linkTo("runs", id.trim()));
  };
  return html`<section>
    <div class="heading">
      <h1>Runs</h1>
      <a class="button primary" href=${linkTo("new")}>New run</a>
    </div>
    <p>This server lists no runs. Open one by its id.</p>
    <form class="inline" onSubmit=${open}>
      <label class="field">Id of a response <input name="id" required autocomplete="off" /></label>
      <button class="primary">Open</button>
    </form>
  </section>`;
}
