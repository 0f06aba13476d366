/** Projects. */
import {
  createProjectSchema,
  projectListQuerySchema,
  projectSchema,
  updateProjectSchema,
} from "../../../protocol/organization/projects.ts";
import { tooManyThings } from "../../documented-organization-errors.ts";
import { projectListSchema } from "../../wire.ts";
import {
  CREATED_AT,
  describeEndpoint,
  INVALID_PAGES,
  pageOf,
  PROJECT_ID,
  projectId,
  queryErrorsOf,
  queryParametersOf,
} from "./endpoint.ts";

const project = {
  id: PROJECT_ID,
  object: "organization.project",
  name: "research",
  created_at: CREATED_AT,
  archived_at: null,
  status: "active",
  source: "admin",
};
const archived = { ...project, archived_at: CREATED_AT + 60, status: "archived" };
const answer = { description: "The project.", schema: projectSchema, example: project };
const invalidNames = {
  "`name` is not a string.": { name: 1 },
  "`name` is empty.": { name: "" },
  "`name` is too long.": { name: "x".repeat(257) },
  "A parameter is unknown.": { title: "research" },
};

export const createProject = describeEndpoint({
  id: "createProject",
  summary: "Create a project",
  body: {
    schema: createProjectSchema,
    example: { name: "research" },
    invalid: { "`name` is missing.": {}, ...invalidNames },
  },
  answer,
  errors: [tooManyThings("projects", 1_000)],
});

export const listProjects = describeEndpoint({
  id: "listProjects",
  summary: "List projects",
  description: "Those of the environment first, then the created ones by age.",
  parameters: queryParametersOf(projectListQuerySchema),
  answer: { description: "A page of projects.", schema: projectListSchema, example: pageOf(project) },
  errors: [
    ...queryErrorsOf(projectListQuerySchema, {
      ...INVALID_PAGES,
      "`include_archived` is not a boolean.": { include_archived: "x" },
    }),
    "listCursorNotFound",
  ],
});

export const retrieveProject = describeEndpoint({
  id: "retrieveProject",
  summary: "Get a project",
  parameters: [projectId],
  answer,
  errors: ["projectNotFound"],
});

export const updateProject = describeEndpoint({
  id: "updateProject",
  summary: "Rename a project",
  parameters: [projectId],
  body: { schema: updateProjectSchema, example: { name: "research" }, invalid: invalidNames },
  answer,
  errors: ["projectNotFound", "projectArchived", "fixedByEnvironment"],
});

export const archiveProject = describeEndpoint({
  id: "archiveProject",
  summary: "Archive a project",
  description:
    "Its keys stop at once. Its running responses continue to their end, and its data stays until it expires. There is no way back.",
  parameters: [projectId],
  answer: { ...answer, example: archived },
  errors: ["projectNotFound", "fixedByEnvironment"],
});
