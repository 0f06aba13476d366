/** The frame of the console: sign-in, navigation and the page that the address names. */
import { ApprovalsPage } from "./approvals/approvals-page.ts";
import { type Area, areas, isAnonymous, openSession, problem, signOut, state } from "./api/session.ts";
import { KeysPage } from "./keys/keys-page.ts";
import { NewRunPage } from "./new-run/new-run-page.ts";
import { QueuesPage } from "./queues/queues-page.ts";
import { RunPage } from "./run/run-page.ts";
import { RunsPage } from "./runs/runs-page.ts";
import { SignIn } from "./sign-in.ts";
import { type Children, html } from "./ui/html.ts";
import { Problem } from "./ui/parts.ts";
import { linkTo, route } from "./ui/route.ts";
import { UsagePage } from "./usage/usage-page.ts";
import { WebhooksPage } from "./webhooks/webhooks-page.ts";

interface PageLink {
  name: string;
  title: string;
  page: () => Children;
  /** Hidden where the server lacks it or the key may not use it. */
  area?: Area;
}

const PAGES: readonly PageLink[] = [
  { name: "runs", title: "Runs", page: RunsPage },
  { name: "new", title: "New run", page: NewRunPage },
  { name: "approvals", title: "Approvals", page: ApprovalsPage, area: "lists" },
  { name: "queues", title: "Queue and workers", page: QueuesPage, area: "queues" },
  { name: "usage", title: "Usage", page: UsagePage, area: "usage" },
  { name: "webhooks", title: "Webhooks", page: WebhooksPage, area: "webhooks" },
  { name: "keys", title: "Keys", page: KeysPage, area: "organization" },
];

export function App() {
  const { path } = route.value;
  const isOpen = state.value === "open";
  const skip = (event: Event): void => {
    // The address names the page, so it cannot name a place in it.
    event.preventDefault();
    document.querySelector("main")?.focus();
  };
  return html`<div class="frame">
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="bar">
      <strong>background-responses</strong>
      ${isOpen && html`<${Navigation} current=${path[0] ?? "runs"} />`}
      <span class="bar-end">
        <a href="docs">Documentation</a>
        ${isOpen && html`<button type="button" onClick=${signOut}>${isAnonymous.value ? "Sign in" : "Sign out"}</button>`}
      </span>
    </header>
    <main id="main" tabindex="-1"><${CurrentPage} /></main>
  </div>`;
}

function shownPages(): readonly PageLink[] {
  return PAGES.filter(({ area }) => area === undefined || areas.value.has(area));
}

function Navigation({ current }: { current: string }) {
  return html`<nav aria-label="Console">
    ${shownPages().map(
      ({ name, title }) =>
        html`<a key=${name} href=${linkTo(name)} aria-current=${name === current ? "page" : undefined}>${title}</a>`,
    )}
  </nav>`;
}

function CurrentPage() {
  if (state.value === "opening") return html`<p class="empty" role="status">Loading …</p>`;
  if (state.value === "signed-out") return html`<${SignIn} />`;
  if (state.value === "unreachable") {
    return html`<section>
      <h1>No answer</h1>
      <${Problem}>${problem.value}<//>
      <button type="button" class="primary" onClick=${openSession}>Try again</button>
    </section>`;
  }
  const [name = "runs", id] = route.value.path;
  if (name === "runs" && id !== undefined) return html`<${RunPage} key=${id} id=${id} />`;
  const page = shownPages().find((each) => each.name === name)?.page;
  if (page !== undefined)
    return html`<${page} key=${`${name} ${name === "new" ? route.value.query.get("after") : ""}`} />`;
  return html`<section>
    <h1>No such page</h1>
    <p><a href=${linkTo("runs")}>All runs</a></p>
  </section>`;
}
