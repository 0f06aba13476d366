/** Projects and their API keys, for administrators. */
import { useSignal } from "@preact/signals";
import type { Project } from "../../../protocol/organization/projects.ts";
import { loadProjects, projects } from "../api/projects.ts";
import { request } from "../api/requests.ts";
import { valueOf } from "../ui/fields.ts";
import { html } from "../ui/html.ts";
import { Action, Empty } from "../ui/parts.ts";
import { ProjectKeys } from "./project-keys.ts";

export function KeysPage() {
  const name = useSignal("");
  const create = async (): Promise<void> => {
    await request("POST", "organization/projects", { body: { name: name.value } });
    name.value = "";
    await loadProjects();
  };
  return html`<section>
    <h1>Projects and keys</h1>
    ${projects.value.length === 0 && html`<${Empty}>There are no projects.<//>`}
    <ul class="cards">
      ${projects.value.map((project) => html`<${ProjectCard} key=${project.id} project=${project} />`)}
    </ul>
    <form class="card" onSubmit=${(event: Event) => event.preventDefault()}>
      <h2>New project</h2>
      <label class="field"
        >Name <input value=${name.value} onInput=${(event: Event) => (name.value = valueOf(event))}
      /></label>
      <${Action} label="Create project" kind="primary" isDisabled=${name.value.trim() === ""} action=${create} />
    </form>
  </section>`;
}

function ProjectCard({ project: { id, name, source, status } }: { project: Project }) {
  const archive = async (): Promise<void> => {
    await request("POST", `organization/projects/${encodeURIComponent(id)}/archive`);
    await loadProjects();
  };
  return html`<li class="card">
    <h2>${name}</h2>
    <p class="detail">${id}${status === "archived" && " · archived"}</p>
    <${ProjectKeys} projectId=${id} />
    ${
      // A project of the environment is changed there.
      source === "admin" &&
      status === "active" &&
      html`<${Action}
        label="Archive project"
        kind="danger"
        confirm="Archive this project? Its keys stop working."
        action=${archive}
      />`
    }
  </li>`;
}
