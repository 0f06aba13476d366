/** Projects and their keys through the official client: two API processes, one Redis. */
import { afterAll, expect, test } from "vitest";
import { OpenAI } from "openai";
import { create, send, simulate } from "../support/api-client.ts";
import { expectDescribed } from "../support/expect-described.ts";
import { startApi } from "../support/processes.ts";
import { uniquePrefix } from "../support/redis.ts";
import { openTestServer } from "../support/test-server.ts";

const ADMIN = "key-of-the-admin";
const environment = {
  KEY_PREFIX: uniquePrefix(),
  API_KEYS: "lab:key-of-the-lab",
  ADMIN_KEYS: `ada:${ADMIN}`,
};
const { api, inspector } = await openTestServer(environment);
const other = await startApi(environment);
afterAll(async () => await other[Symbol.asyncDispose]());

expectDescribed();
const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const { organization } = new OpenAI({ baseURL: api.url, adminAPIKey: ADMIN, apiKey: null, maxRetries: 0 }).admin;
const { projects } = organization;
const admin = async <T>(method: string, path: string, body?: unknown) =>
  await send<T>(method, `${api.url}/organization${path}`, body, bearer(ADMIN));
/** The status of a request with this key, on both processes. */
const statusOf = async (key: string) =>
  await Promise.all(
    [api, other].map(async ({ url }) => (await send("GET", `${url}/models`, undefined, bearer(key))).status),
  );

async function openProject(name = "research") {
  const project = await projects.create({ name });
  const account = await projects.serviceAccounts.create(project.id, { name: "worker" });
  return { project, account, key: account.api_key!.value };
}

test("a project is created, listed, renamed and archived", async () => {
  const created = await projects.create({ name: "first" });
  expect(created).toMatchObject({ object: "organization.project", name: "first", status: "active", archived_at: null });
  expect(await projects.retrieve(created.id)).toEqual(created);
  const renamed = await projects.update(created.id, { name: "renamed" });
  expect(renamed).toEqual({ ...created, name: "renamed" });
  const archived = await projects.archive(created.id);
  expect(archived).toMatchObject({ status: "archived", archived_at: expect.any(Number) });
  const listed = async (query: object) => (await Array.fromAsync(projects.list(query))).map(({ id }) => id);
  expect(await listed({})).not.toContain(created.id);
  expect(await listed({ include_archived: true, limit: 1 })).toEqual(expect.arrayContaining(["lab", created.id]));
  await expect(projects.update(created.id, { name: "again" })).rejects.toMatchObject({
    status: 400,
    code: "project_archived",
  });
  await expect(projects.retrieve("proj_unknown")).rejects.toMatchObject({ status: 404 });
});

test("a new key works on every process at once, and a deleted one stops", async () => {
  const { project, account, key } = await openProject();
  expect(await statusOf(key)).toEqual([200, 200]);
  const { id } = account.api_key!;
  expect(await projects.apiKeys.retrieve(id, { project_id: project.id })).toMatchObject({
    id,
    name: "worker",
    redacted_value: `${key.slice(0, 9)}***${key.slice(-4)}`,
    owner: { type: "service_account", service_account: { id: account.id } },
    owner_project_access: "active",
  });
  const usedAt = async () => (await projects.apiKeys.retrieve(id, { project_id: project.id })).last_used_at;
  await expect.poll(usedAt).toBeGreaterThanOrEqual(account.created_at);
  expect(await projects.apiKeys.delete(id, { project_id: project.id })).toEqual({
    id,
    object: "organization.project.api_key.deleted",
    deleted: true,
  });
  expect(await statusOf(key)).toEqual([401, 401]);
  await expect(projects.apiKeys.delete(id, { project_id: project.id })).rejects.toMatchObject({ status: 404 });
});

test("a key opens its own project only", async () => {
  const [first, second] = [await openProject("one"), await openProject("two")];
  const { id } = await create(api.url, simulate({ hang: true }), bearer(first.key));
  const read = async (key: string) => (await send("GET", `${api.url}/responses/${id}`, undefined, bearer(key))).status;
  expect([await read(first.key), await read(second.key), await read("key-of-the-lab")]).toEqual([200, 404, 404]);
  const foreign = projects.apiKeys.delete(first.account.api_key!.id, { project_id: second.project.id });
  await expect(foreign).rejects.toMatchObject({ status: 404 });
  expect(await statusOf(first.key)).toEqual([200, 200]);
});

test("an archived project's keys stop at once, and no key is added", async () => {
  const { project, account, key } = await openProject();
  await projects.archive(project.id);
  expect(await statusOf(key)).toEqual([401, 401]);
  const [listed] = await Array.fromAsync(projects.apiKeys.list(project.id));
  expect(listed).toMatchObject({ id: account.api_key!.id, owner_project_access: "inactive" });
  const added = projects.serviceAccounts.apiKeys.create(account.id, { project_id: project.id });
  await expect(added).rejects.toMatchObject({ status: 400, code: "project_archived" });
});

test("a deleted service account takes its keys with it", async () => {
  const { project, account, key } = await openProject();
  const second = await projects.serviceAccounts.apiKeys.create(account.id, { project_id: project.id, name: "second" });
  expect(await statusOf(second.value)).toEqual([200, 200]);
  const query = { project_id: project.id };
  expect(await projects.serviceAccounts.update(account.id, { ...query, name: "renamed" })).toMatchObject({
    name: "renamed",
    role: "member",
  });
  expect(await projects.serviceAccounts.retrieve(account.id, query)).toMatchObject({ name: "renamed" });
  expect(await Array.fromAsync(projects.serviceAccounts.list(project.id))).toHaveLength(1);
  expect(await projects.serviceAccounts.delete(account.id, query)).toMatchObject({ deleted: true });
  expect([await statusOf(key), await statusOf(second.value)]).toEqual([
    [401, 401],
    [401, 401],
  ]);
  expect(await Array.fromAsync(projects.apiKeys.list(project.id))).toEqual([]);
});

test("a key expires", async () => {
  const { project } = await openProject();
  const account = await projects.serviceAccounts.create(project.id, { name: "short", expires_in_seconds: 3_600 });
  const { value, expires_at: expiresAt, created_at: createdAt } = account.api_key!;
  expect(expiresAt! - createdAt).toBe(3_600);
  expect(await statusOf(value)).toEqual([200, 200]);
  const { keyHashes } = inspector.layout.organization;
  const hashes = await inspector.redis.hgetall(keyHashes);
  const [hash, owner] = Object.entries(hashes).find(([, json]) => json.includes(account.api_key!.id))!;
  await inspector.redis.hset(keyHashes, hash, JSON.stringify({ ...JSON.parse(owner), expires_at: createdAt - 1 }));
  expect(await statusOf(value)).toEqual([401, 401]);
});

test("a key can be created by itself", async () => {
  const { project } = await openProject();
  const made = await admin<{ value: string; id: string }>("POST", `/projects/${project.id}/api_keys`, { name: "cli" });
  expect(made.status).toBe(200);
  expect(await statusOf(made.body.value)).toEqual([200, 200]);
});

test("projects and keys of the environment are listed, and only the settings change them", async () => {
  expect(await projects.retrieve("lab")).toMatchObject({ id: "lab", status: "active", source: "environment" });
  const [key] = await Array.fromAsync(projects.apiKeys.list("lab"));
  expect(key).toMatchObject({ id: expect.stringMatching(/^key_env_/), redacted_value: "***" });
  const changes = [
    () => projects.apiKeys.delete(key!.id, { project_id: "lab" }),
    () => projects.archive("lab"),
    () => projects.update("lab", { name: "other" }),
  ];
  for (const change of changes) {
    await expect(change()).rejects.toMatchObject({ status: 400, code: "fixed_by_environment" });
  }
  expect(await statusOf("key-of-the-lab")).toEqual([200, 200]);
  const added = await projects.serviceAccounts.create("lab", { name: "added" });
  expect(await statusOf(added.api_key!.value)).toEqual([200, 200]);
});

test("a project has at most 100 keys", async () => {
  const { project, account } = await openProject();
  const issue = () => projects.serviceAccounts.apiKeys.create(account.id, { project_id: project.id });
  await Promise.all(Array.from({ length: 99 }, issue));
  await expect(issue()).rejects.toMatchObject({ status: 400, code: "limit_reached" });
  expect(await Array.fromAsync(projects.apiKeys.list(project.id, { limit: 40 }))).toHaveLength(100);
});

test.each([
  [{}, "name", "missing_required_parameter"],
  [{ name: 7 }, "name", "invalid_type"],
  [{ name: "" }, "name", "string_below_min_length"],
  [{ name: "x", residency: "GLOBAL" }, "residency", "invalid_type"],
  [{ name: "x", unheard_of: 1 }, "unheard_of", "unknown_parameter"],
])("a project is rejected with the contract's error: %j", async (body, param, code) => {
  expect(await admin("POST", "/projects", body)).toMatchObject({ status: 400, body: { error: { param, code } } });
});

test("a page continues after an entry, and an unknown entry is an error", async () => {
  const pages = await admin<{ data: { id: string }[]; has_more: boolean }>("GET", "/projects?limit=1");
  expect(pages.body).toMatchObject({ has_more: true, data: [{ id: "lab" }] });
  const next = await admin<{ data: { id: string }[] }>("GET", "/projects?limit=1&after=lab");
  expect(next.body.data[0]!.id).not.toBe("lab");
  const unknown = await admin("GET", "/projects?after=proj_none");
  expect(unknown).toMatchObject({ status: 400, body: { error: { param: "after", code: "invalid_value" } } });
});

test("only admins see the organization", async () => {
  const { key } = await openProject();
  for (const each of ["key-of-the-lab", key]) {
    const answer = await send("GET", `${api.url}/organization/projects`, undefined, bearer(each));
    expect(answer).toMatchObject({ status: 403, body: { error: { code: "insufficient_permissions" } } });
  }
  const unknown = await send("GET", `${api.url}/organization/projects`, undefined, bearer("key-of-nobody"));
  expect(unknown.status).toBe(401);
  expect((await admin("GET", "/invites")).status).toBe(404);
});

test("without ADMIN_KEYS the organization is an unknown path", async () => {
  await using closed = await startApi({ KEY_PREFIX: uniquePrefix(), API_KEYS: "lab:key-of-the-lab" });
  const answer = await send("GET", `${closed.url}/organization/projects`, undefined, bearer("key-of-the-lab"));
  expect(answer).toMatchObject({
    status: 404,
    body: { error: { message: "Invalid URL (GET /v1/organization/projects)" } },
  });
});

test("an admin creates only for the project that the request names", async () => {
  const { project } = await openProject();
  const post = async (headers: Record<string, string>) =>
    await send<{ id: string }>("POST", `${api.url}/responses`, simulate({ hang: true }), {
      ...bearer(ADMIN),
      ...headers,
    });
  expect(await post({})).toMatchObject({ status: 400, body: { error: { code: "missing_project" } } });
  expect((await post({ "openai-project": "proj_unknown" })).status).toBe(404);
  const { body } = await post({ "openai-project": project.id });
  expect(await inspector.meta(body.id)).toMatchObject({ project: project.id });
  await projects.archive(project.id);
  expect((await post({ "openai-project": project.id })).status).toBe(404);
});

test("keys appear in no log line and not in Redis", async () => {
  const { key } = await openProject();
  await statusOf(key);
  const text = JSON.stringify([...api.lines, ...other.lines]) + (await inspector.dumpAll());
  for (const secret of [key, ADMIN, "key-of-the-lab"]) expect(text).not.toContain(secret);
});
