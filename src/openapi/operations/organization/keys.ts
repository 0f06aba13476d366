/** Keys of projects and the service accounts that own them. */
import { fixedByEnvironment } from "../../../lifecycle/errors/state.ts";
import {
  createAccountKeySchema,
  createAccountSchema,
  createdAccountSchema,
  createdKeySchema,
  createKeySchema,
  deletedAccountSchema,
  deletedKeySchema,
  keyListQuerySchema,
  projectKeySchema,
  serviceAccountSchema,
  updateAccountSchema,
} from "../../../protocol/organization/keys.ts";
import { organizationListQuerySchema } from "../../../protocol/organization/projects.ts";
import { tooManyThings } from "../../documented-organization-errors.ts";
import { pathParameter } from "../../endpoint.ts";
import { projectKeyListSchema, serviceAccountListSchema } from "../../wire.ts";
import {
  CREATED_AT,
  describeEndpoint,
  INVALID_PAGES,
  pageOf,
  projectId,
  queryErrorsOf,
  queryParametersOf,
} from "./endpoint.ts";

const KEY_ID = "key_0a1b2c3d4e5f60718293a4b5";
const ACCOUNT_ID = "svc_acct_0a1b2c3d4e5f60718293a4b5";
const keyId = pathParameter("api_key_id", "Key id.");
const accountId = pathParameter("service_account_id", "Service account id.");

const account = {
  id: ACCOUNT_ID,
  object: "organization.project.service_account",
  name: "worker",
  role: "member",
  created_at: CREATED_AT,
};
const createdKey = {
  id: KEY_ID,
  object: "organization.project.service_account.api_key",
  name: "worker",
  created_at: CREATED_AT,
  expires_at: null,
  value: "sk-br-…",
};
const key = {
  id: KEY_ID,
  object: "organization.project.api_key",
  name: "worker",
  redacted_value: "sk-br-AbC***wXyZ",
  created_at: CREATED_AT,
  expires_at: null,
  last_used_at: CREATED_AT + 3_600,
  owner: {
    type: "service_account",
    service_account: { id: ACCOUNT_ID, name: "worker", created_at: CREATED_AT, role: "member" },
  },
  owner_project_access: "active",
};

const invalidFields = {
  "`name` is not a string.": { name: 1 },
  "`name` is empty.": { name: "" },
  "`name` is too long.": { name: "x".repeat(257) },
  "`expires_in_seconds` is below 1.": { name: "x", expires_in_seconds: 0 },
  "`expires_in_seconds` is above ten years.": { name: "x", expires_in_seconds: 1e10 },
  "A parameter is unknown.": { name: "x", title: "x" },
};
const createdKeyAnswer = {
  description: "The key. No other answer has its `value`.",
  schema: createdKeySchema,
  example: createdKey,
};
const newAccountErrors = [
  "projectNotFound",
  "projectArchived",
  "serviceAccountNotFound",
  tooManyThings("service accounts in this project", 100),
] as const;

export const createProjectKey = describeEndpoint({
  id: "createProjectKey",
  summary: "Create a key",
  description: "An extension: creates a service account of the same name, too.",
  parameters: [projectId],
  body: {
    schema: createKeySchema,
    example: { name: "worker" },
    invalid: { "`name` is missing.": {}, ...invalidFields },
  },
  answer: createdKeyAnswer,
  errors: newAccountErrors,
});

export const listProjectKeys = describeEndpoint({
  id: "listProjectKeys",
  summary: "List a project's keys",
  parameters: [projectId, ...queryParametersOf(keyListQuerySchema)],
  answer: { description: "A page of keys, without their values.", schema: projectKeyListSchema, example: pageOf(key) },
  errors: [
    ...queryErrorsOf(keyListQuerySchema, {
      ...INVALID_PAGES,
      "`owner_project_access` is unknown.": { owner_project_access: "x" },
    }),
    "listCursorNotFound",
    "projectNotFound",
  ],
});

export const retrieveProjectKey = describeEndpoint({
  id: "retrieveProjectKey",
  summary: "Get a key",
  parameters: [projectId, keyId],
  answer: { description: "The key, without its value.", schema: projectKeySchema, example: key },
  errors: ["projectNotFound", "keyNotFound"],
});

export const deleteProjectKey = describeEndpoint({
  id: "deleteProjectKey",
  summary: "Delete a key",
  description: "The key stops at once. Open streams and running responses continue to their end.",
  parameters: [projectId, keyId],
  answer: {
    description: "The key is deleted.",
    schema: deletedKeySchema,
    example: { id: KEY_ID, object: "organization.project.api_key.deleted", deleted: true },
  },
  errors: [
    "projectNotFound",
    "keyNotFound",
    {
      when: "The key comes from the server's settings.",
      error: fixedByEnvironment("Key 'key_env_4f0c'", "API_KEYS"),
    },
  ],
});

export const createServiceAccount = describeEndpoint({
  id: "createServiceAccount",
  summary: "Create a service account, by default with a key",
  parameters: [projectId],
  body: {
    schema: createAccountSchema,
    example: { name: "worker" },
    invalid: { "`name` is missing.": {}, ...invalidFields },
  },
  answer: {
    description: "The service account. No other answer has the `value` of its key.",
    schema: createdAccountSchema,
    example: { ...account, api_key: createdKey },
  },
  errors: newAccountErrors,
});

export const listServiceAccounts = describeEndpoint({
  id: "listServiceAccounts",
  summary: "List a project's service accounts",
  parameters: [projectId, ...queryParametersOf(organizationListQuerySchema)],
  answer: { description: "A page of service accounts.", schema: serviceAccountListSchema, example: pageOf(account) },
  errors: [...queryErrorsOf(organizationListQuerySchema, INVALID_PAGES), "listCursorNotFound", "projectNotFound"],
});

const accountAnswer = { description: "The service account.", schema: serviceAccountSchema, example: account };

export const retrieveServiceAccount = describeEndpoint({
  id: "retrieveServiceAccount",
  summary: "Get a service account",
  parameters: [projectId, accountId],
  answer: accountAnswer,
  errors: ["projectNotFound", "serviceAccountNotFound"],
});

export const updateServiceAccount = describeEndpoint({
  id: "updateServiceAccount",
  summary: "Change a service account",
  description: "The role is kept for reports. Every key may do everything in its project.",
  parameters: [projectId, accountId],
  body: {
    schema: updateAccountSchema,
    example: { name: "worker" },
    invalid: {
      "`name` is not a string.": { name: 1 },
      "`name` is empty.": { name: "" },
      "`name` is too long.": { name: "x".repeat(257) },
      "`role` is unknown.": { role: "x" },
      "A parameter is unknown.": { title: "x" },
    },
  },
  answer: accountAnswer,
  errors: ["projectNotFound", "projectArchived", "serviceAccountNotFound"],
});

export const deleteServiceAccount = describeEndpoint({
  id: "deleteServiceAccount",
  summary: "Delete a service account and its keys",
  parameters: [projectId, accountId],
  answer: {
    description: "The service account is deleted.",
    schema: deletedAccountSchema,
    example: { id: ACCOUNT_ID, object: "organization.project.service_account.deleted", deleted: true },
  },
  errors: ["projectNotFound", "serviceAccountNotFound"],
});

export const createServiceAccountKey = describeEndpoint({
  id: "createServiceAccountKey",
  summary: "Create a key of a service account",
  parameters: [projectId, accountId],
  body: { schema: createAccountKeySchema, example: { name: "second" }, invalid: invalidFields },
  answer: createdKeyAnswer,
  errors: ["projectNotFound", "projectArchived", "tooManyOf", "serviceAccountNotFound"],
});
