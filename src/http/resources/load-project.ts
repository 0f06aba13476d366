/** The projects of the environment and those that admins have created, in one form. */
import type { Request as HttpRequest } from "express";
import { ANONYMOUS_PROJECT, allowsAnonymous, type Config } from "../../config/config.ts";
import type { ApiContext } from "../../context.ts";
import { projectArchived, projectNotFound } from "../../lifecycle/errors/state.ts";
import type { Project } from "../../protocol/organization/projects.ts";
import type { ProjectEntry } from "../../store/organization/projects.ts";

/** The names of the environment's projects: those of API_KEYS, or the anonymous one. */
export function listEnvironmentProjects(config: Pick<Config, "apiKeys" | "adminKeys" | "ALLOW_ANONYMOUS">): string[] {
  const named = new Set(config.apiKeys.map(({ project }) => project));
  return allowsAnonymous(config) ? [ANONYMOUS_PROJECT, ...named] : [...named];
}

/** The settings have no date, so a project of the environment has the time 0. */
export function describeEnvironmentProject(id: string): Project {
  return {
    id,
    object: "organization.project",
    name: id,
    created_at: 0,
    archived_at: null,
    status: "active",
    source: "environment",
  };
}

export function describeProject({ id, name, created_at, archived_at }: ProjectEntry): Project {
  return {
    id,
    object: "organization.project",
    name,
    created_at,
    archived_at: archived_at ?? null,
    status: archived_at === undefined ? "active" : "archived",
    source: "admin",
  };
}

/** The project that the path names. Throws a 404 for an unknown one. */
export async function loadProject({ config, storage }: ApiContext, request: HttpRequest): Promise<Project> {
  const id = String(request.params["project_id"]);
  if (listEnvironmentProjects(config).includes(id)) return describeEnvironmentProject(id);
  const found = await storage.projects.read(id);
  if (found === undefined) throw projectNotFound(id);
  return describeProject(found);
}

/** The project that the path names. Throws for one that is archived, because it cannot be changed. */
export async function loadActiveProject(context: ApiContext, request: HttpRequest): Promise<Project> {
  const project = await loadProject(context, request);
  if (project.status === "archived") throw projectArchived(project.id);
  return project;
}
