/** What a user can do with a run. */
import { request } from "../api/requests.ts";
import { CopyButton } from "../ui/copy.ts";
import { html } from "../ui/html.ts";
import { Action } from "../ui/parts.ts";
import { goTo, linkTo } from "../ui/route.ts";
import { isTerminalStatus } from "../words/statuses.ts";
import { isAnonymous } from "../api/session.ts";
import { citeSources } from "./citations.ts";
import type { RunView } from "./run-view.ts";

export function RunActions({ view }: { view: RunView }) {
  const { status, store, background } = view.response.value!;
  const path = `responses/${encodeURIComponent(view.id)}`;
  const isOver = isTerminalStatus(status);
  const cancel = async (): Promise<void> => {
    await request("POST", `${path}/cancel`);
    await view.refresh();
  };
  const remove = async (): Promise<void> => {
    await request("DELETE", path);
    goTo(linkTo("runs"));
  };
  return html`<div class="buttons">
    ${!isOver && background && html`<${Action} label="Cancel" kind="danger" confirm="Cancel this run? It keeps what it has written." action=${cancel} />`}
    ${isOver && store && html`<a class="button" href=${`${linkTo("new")}?after=${encodeURIComponent(view.id)}`}>Continue from here</a>`}
    ${isOver && html`<${CopyButton} label="Copy report" text=${() => reportOf(view)} />`}
    <${CopyButton} label="Copy curl" text=${() => curlFor(view.id)} />
    ${isOver && html`<${Action} label="Delete" kind="danger" confirm="Delete this run and its report? Nobody can bring them back." action=${remove} />`}
  </div>`;
}

/** The key itself stays out of the clipboard: the command reads it from the environment. */
function curlFor(id: string): string {
  const url = new URL(`v1/responses/${encodeURIComponent(id)}?stream=true`, document.baseURI).href;
  return isAnonymous.value ? `curl -N '${url}'` : `curl -N '${url}' -H "Authorization: Bearer $API_KEY"`;
}

/** As Markdown, with footnotes. */
function reportOf(view: RunView): string {
  const message = view.steps.findLast(({ item }) => item.type === "message")?.item;
  if (message?.type !== "message") return "";
  return message.content
    .map((part) => {
      if (part.type === "refusal") return part.refusal;
      const { text, sources } = citeSources(part.text, part.annotations);
      const cited = text.replaceAll("\uE000", "[^").replaceAll("\uE001", "]");
      const notes = sources.map(({ number, title, url }) => `[^${number}]: ${title.replaceAll("\n", " ")} <${url}>`);
      return notes.length === 0 ? cited : `${cited}\n\n${notes.join("\n")}\n`;
    })
    .join("\n\n");
}
