/** `/organization/projects`: projects are created and archived, never deleted. */
import type { RequestHandler } from "express";
import type { ApiContext } from "../../../context.ts";
import { fixedByEnvironment, projectArchived, tooManyOf } from "../../../lifecycle/errors/state.ts";
import { newId } from "../../../protocol/id.ts";
import {
  createProjectSchema,
  projectListQuerySchema,
  updateProjectSchema,
} from "../../../protocol/organization/projects.ts";
import { MAX_PROJECTS } from "../../../store/organization/projects.ts";
import { recordAudit } from "../../replies/record-audit.ts";
import { toOrganizationPage } from "../../replies/organization-page.ts";
import {
  describeEnvironmentProject,
  describeProject,
  listEnvironmentProjects,
  loadActiveProject,
  loadProject,
} from "../../resources/load-project.ts";
import { parseBody } from "../../validation/parse-body.ts";
import { parseQuery } from "../../validation/queries.ts";

const ID_DIGITS = 24;

export function createProject(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { name } = parseBody(createProjectSchema, request.body);
    const id = newId("proj", ID_DIGITS);
    const project = { name, created_at: Math.floor(context.storage.clock.nowMs() / 1000) };
    if (!(await context.storage.projects.create(id, project))) throw tooManyOf("projects", MAX_PROJECTS);
    await recordAudit(context, response, { type: "project.created", project: id, resource: { id, data: { name } } });
    response.json(describeProject({ id, ...project }));
  };
}

export function listProjects(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const query = parseQuery(projectListQuerySchema, request.query);
    const ofEnvironment = listEnvironmentProjects(context.config);
    const stored = (await context.storage.projects.list()).filter(({ id }) => !ofEnvironment.includes(id));
    const all = [...ofEnvironment.map(describeEnvironmentProject), ...stored.map(describeProject)];
    const listed = query.include_archived ? all : all.filter(({ status }) => status === "active");
    response.json(toOrganizationPage(listed, query));
  };
}

export function retrieveProject(context: ApiContext): RequestHandler {
  return async (request, response) => void response.json(await loadProject(context, request));
}

export function updateProject(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const { name } = parseBody(updateProjectSchema, request.body);
    const project = await loadActiveProject(context, request);
    if (name == null) {
      response.json(project);
      return;
    }
    if (project.source === "environment") throw fixedByEnvironment(`Project '${project.id}'`, "API_KEYS");
    const renamed = await context.storage.projects.rename(project.id, name);
    if (renamed === undefined) throw projectArchived(project.id);
    const resource = { id: project.id, changes_requested: { name } };
    await recordAudit(context, response, { type: "project.updated", project: project.id, resource });
    response.json(describeProject(renamed));
  };
}

/** Closes the project's keys. Its running responses continue to their end. */
export function archiveProject(context: ApiContext): RequestHandler {
  return async (request, response) => {
    const project = await loadProject(context, request);
    if (project.source === "environment") throw fixedByEnvironment(`Project '${project.id}'`, "API_KEYS");
    const archivedAt = Math.floor(context.storage.clock.nowMs() / 1000);
    const archived = (await context.storage.projects.archive(project.id, archivedAt))!;
    if (project.status === "active") {
      const { id } = project;
      await recordAudit(context, response, { type: "project.archived", project: id, resource: { id } });
    }
    response.json(describeProject(archived));
  };
}
