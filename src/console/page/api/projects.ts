/** The projects of an administrator's server. */
import { signal } from "@preact/signals";
import type { Project } from "../../../protocol/organization/projects.ts";
import { query, request } from "./requests.ts";

const PAGE_SIZE = 100;
/** A page with more would be no list to choose from. */
const MAX_PROJECTS = 1000;

export const projects = signal<readonly Project[]>([]);

export async function loadProjects(): Promise<void> {
  const all: Project[] = [];
  let after: string | undefined;
  do {
    const page = await request<{ data: Project[]; has_more: boolean; last_id?: string | null }>(
      "GET",
      `organization/projects${query({ limit: PAGE_SIZE, after })}`,
    );
    for (const project of page.data) all.push(project);
    after = page.has_more ? (page.last_id ?? undefined) : undefined;
  } while (after !== undefined && all.length < MAX_PROJECTS);
  projects.value = all;
}
