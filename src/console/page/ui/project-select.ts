/** A choice among the projects that an administrator sees. */
import { projects } from "../api/projects.ts";
import { valueOf } from "./fields.ts";
import { html } from "./html.ts";

interface ProjectSelectProps {
  label: string;
  value: string;
  /** The value for all projects; without it there is no such choice. */
  all?: string;
  onChange: (value: string) => void;
}

export function ProjectSelect({ label, value, all, onChange }: ProjectSelectProps) {
  return html`<label class="field">
    ${label}
    <select value=${value} onChange=${(event: Event) => onChange(valueOf(event))}>
      ${all !== undefined && html`<option value=${all}>all</option>`}
      ${projects.value.map(({ id, name }) => html`<option key=${id} value=${id}>${name}</option>`)}
    </select>
  </label>`;
}
