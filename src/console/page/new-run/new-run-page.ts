/** The form for a new run. */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Response } from "../../../protocol/response.ts";
import { messageOf, request } from "../api/requests.ts";
import { models } from "../api/session.ts";
import { isChecked, valueOf } from "../ui/fields.ts";
import { html } from "../ui/html.ts";
import { Problem } from "../ui/parts.ts";
import { goTo, linkTo, route } from "../ui/route.ts";
import { McpServers } from "./mcp-servers.ts";
import { researchExample } from "./research-example.ts";
import { continueForm, EMPTY_FORM, type RunForm, toRequest } from "./run-request.ts";
import { startRun } from "./start-run.ts";

const EFFORTS = ["none", "minimal", "low", "medium", "high", "xhigh"];

export function NewRunPage() {
  const after = route.value.query.get("after") ?? "";
  const form = useSignal<RunForm>({ ...EMPTY_FORM, model: models.value[0]?.id ?? "", after });
  /** The request as JSON, while the user edits it instead of the form. */
  const json = useSignal<string | undefined>(undefined);
  const problem = useSignal<string | undefined>(undefined);
  const isBusy = useSignal(false);
  const change = (changes: Partial<RunForm>): void => {
    form.value = { ...form.value, ...changes };
  };
  useEffect(() => {
    if (after === "") return;
    request<Response>("GET", `responses/${encodeURIComponent(after)}`).then(
      (response) => change(continueForm(response)),
      (error: unknown) => (problem.value = messageOf(error)),
    );
  }, [after]);
  const submit = async (event?: Event): Promise<void> => {
    event?.preventDefault();
    if (isBusy.value) return;
    isBusy.value = true;
    problem.value = undefined;
    try {
      const body = json.value === undefined ? toRequest(form.value) : parseRequest(json.value);
      goTo(linkTo("runs", await startRun(body)));
    } catch (error) {
      problem.value = messageOf(error);
    }
    isBusy.value = false;
  };
  const submitByKey = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void submit(event);
  };
  const example = (): void => {
    json.value = undefined;
    change(researchExample(form.value.model));
  };
  return html`<section class="narrow">
    <div class="heading">
      <h1>${after === "" ? "New run" : "Continue a run"}</h1>
      ${after === "" && html`<button type="button" onClick=${example}>Research example</button>`}
    </div>
    ${after !== "" && html`<p class="note">It continues <a href=${linkTo("runs", after)}>${after}</a>, whose items it sees. Of the URLs of its MCP servers, only the origins are known here.</p>`}
    <form class="new-run" onSubmit=${submit} onKeyDown=${submitByKey}>
      ${json.value === undefined ? html`<${FormFields} form=${form} change=${change} />` : html`<${JsonField} json=${json} />`}
      ${problem.value !== undefined && html`<${Problem}>${problem.value}<//>`}
      <p class="buttons">
        <button class="primary" disabled=${isBusy.value}>Start</button>
        <button type="button" onClick=${() => toggleJson(json, form.value)}>
          ${json.value === undefined ? "Edit as JSON" : "Back to the form"}
        </button>
      </p>
    </form>
  </section>`;
}

function toggleJson(json: Signal<string | undefined>, form: RunForm): void {
  json.value = json.value === undefined ? JSON.stringify(toRequest(form), undefined, 2) : undefined;
}

function parseRequest(json: string): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(json);
  } catch (error) {
    throw new Error(`The request is not JSON: ${messageOf(error)}`, { cause: error });
  }
  if (typeof body !== "object" || body === null || Array.isArray(body))
    throw new Error("The request is not an object.");
  return { ...body };
}

function JsonField({ json }: { json: Signal<string | undefined> }) {
  return html`<label class="field">
    Request, as it is sent to <code>POST /v1/responses</code>
    <textarea class="code" rows="24" spellcheck=${false} value=${json.value} onInput=${(event: Event) => (json.value = valueOf(event))} />
  </label>`;
}

interface FormFieldsProps {
  form: Signal<RunForm>;
  change: (changes: Partial<RunForm>) => void;
}

function FormFields({ form, change }: FormFieldsProps) {
  const { model, input, instructions, effort, isBackground, searchesWeb, runsPython, servers, otherTools } = form.value;
  return html`<div>
    <label class="field">
      Model
      <input list="known-models" required value=${model} onInput=${(event: Event) => change({ model: valueOf(event).trim() })} />
    </label>
    <datalist id="known-models">${models.value.map(({ id }) => html`<option key=${id} value=${id}></option>`)}</datalist>
    <label class="field">
      Input
      <textarea rows="5" required value=${input} onInput=${(event: Event) => change({ input: valueOf(event) })} />
    </label>
    <label class="field">
      Instructions (optional)
      <textarea rows="3" value=${instructions} onInput=${(event: Event) => change({ instructions: valueOf(event) })} />
    </label>
    <fieldset>
      <legend>Tools</legend>
      <${Check} label="Web search" isOn=${searchesWeb} onChange=${(isOn: boolean) => change({ searchesWeb: isOn })} />
      <${Check} label="Python" isOn=${runsPython} onChange=${(isOn: boolean) => change({ runsPython: isOn })} />
      <${McpServers} servers=${servers} onChange=${(next: RunForm["servers"]) => change({ servers: next })} />
      ${otherTools.length > 0 && html`<p class="note">And ${otherTools.length} more, which the JSON shows.</p>`}
    </fieldset>
    <label class="field">
      Reasoning effort
      <select value=${effort} onChange=${(event: Event) => change({ effort: valueOf(event) })}>
        <option value="">the model's own</option>
        ${EFFORTS.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
      </select>
    </label>
    <${Check}
      label="In the background: it continues without this page"
      isOn=${isBackground}
      onChange=${(isOn: boolean) => change({ isBackground: isOn })}
    />
    ${!isBackground && html`<p class="note">A foreground run is cancelled when this tab is closed.</p>`}
  </div>`;
}

interface CheckProps {
  label: string;
  isOn: boolean;
  onChange: (isOn: boolean) => void;
}

export function Check({ label, isOn, onChange }: CheckProps) {
  return html`<label class="check">
    <input type="checkbox" checked=${isOn} onChange=${(event: Event) => onChange(isChecked(event))} /> ${label}
  </label>`;
}
