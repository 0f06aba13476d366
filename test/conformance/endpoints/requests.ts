/** Requests to a described endpoint: a valid one, and one for each error that it documents. */
import { FILE_ID, UPLOAD_ID } from "../../../src/openapi/example-ids.ts";
import { pollUntil } from "../../support/poll-until.ts";
import type { ErrorRow, EndpointRow } from "./rows.ts";
import { takesForm, toForm } from "./files.ts";
import { type EndpointWorld, MUCH, type PathValues, type SendOptions, type Wire } from "./world.ts";

interface Change extends SendOptions {
  given?: PathValues;
  query?: unknown;
  body?: unknown;
}

/** The endpoint's own example, except for the change. */
export async function ask(world: EndpointWorld, row: EndpointRow, change: Change = {}): Promise<Wire> {
  const { method, path, endpoint } = row;
  const filled = await world.fill(path, change.given);
  const query = "query" in change ? change.query : queryOf(row);
  const { given: _given, query: _query, body = bodyOf(world, row), ...rest } = change;
  return await world.send(method, `${filled}${toText(query)}`, endpoint.body === undefined ? undefined : body, rest);
}

/** Answers as documented, because of its cause. */
export async function provoke(world: EndpointWorld, row: EndpointRow, error: ErrorRow): Promise<Wire> {
  const { invalid } = error;
  if (invalid !== undefined) {
    if (takesForm(row)) return await ask(world, row, { body: toForm(row, invalid as object) });
    return await ask(world, row, row.endpoint.body === undefined ? { query: invalid } : { body: invalid });
  }
  const cause = CAUSES[error.name];
  if (cause === undefined) throw new Error(`Nothing causes the error ${error.name}.`);
  return await cause(world, row);
}

function queryOf({ endpoint }: EndpointRow): unknown {
  const isRequired = endpoint.parameters?.some((each) => "name" in each && each.name === "start_time");
  return isRequired === true ? { start_time: String(Math.floor(Date.now() / 1000) - 60) } : {};
}

/** A receiver of this test instead of the example's, so that nothing leaves this machine. */
function bodyOf(world: EndpointWorld, row: EndpointRow): unknown {
  const [example] = Object.values(row.endpoint.body?.examples ?? {});
  if (takesForm(row)) return toForm(row, example as object);
  if (row.path.endsWith("/complete")) return { part_ids: [world.lastPart] };
  const isWithUrl = typeof example === "object" && example !== null && "url" in example;
  return isWithUrl ? { ...example, url: world.receiverUrl } : example;
}

function toText(query: unknown): string {
  const pairs = Object.entries(query as object).flatMap(([name, value]: [string, unknown]): [string, string][] => {
    if (Array.isArray(value)) return value.map((each) => [`${name}[]`, String(each)]);
    if (typeof value !== "object" || value === null) return [[name, String(value)]];
    return Object.entries(value).map(([field, each]) => [`${name}[${field}]`, String(each)]);
  });
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs).toString()}`;
}

type Cause = (world: EndpointWorld, row: EndpointRow) => Promise<Wire>;

const at =
  (change: Change): Cause =>
  async (world, row) =>
    await ask(world, row, change);

/** Embeddings by a model of the world's provider. */
function withModel(name: string): Cause {
  return at({ body: { model: `embedder/${name}`, input: "Hello" } });
}

const UNKNOWN = "none";

/** By the name of the error. */
const CAUSES: Readonly<Record<string, Cause>> = {
  storeUnavailable: async (world, row) => {
    const given = Object.fromEntries(
      [...row.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => [name!, EXAMPLE_IDS[name!] ?? UNKNOWN]),
    );
    return await ask(world, row, { given, at: "cutOff" });
  },
  listCursorNotFound: async (world, row) =>
    await ask(world, row, { query: { ...(queryOf(row) as object), after: UNKNOWN } }),
  "before invalid_value": at({ query: { before: UNKNOWN } }),
  malformedPage: async (world, row) => await ask(world, row, { query: { ...(queryOf(row) as object), page: "7" } }),

  notAnAdmin: at({ caller: "project" }),
  insufficient_permissions: at({ query: { project: "*" } }),
  adminNeedsProject: at({ caller: "admin" }),
  "unknown path": at({ at: "closed", caller: "project" }),

  malformedResponseId: at({ given: { response_id: "foo" } }),
  responseNotFound: at({ given: { response_id: "resp_none" } }),

  projectNotFound: at({ given: { project_id: "proj_none", ...Object.fromEntries(unknownIds()) } }),
  projectArchived: async (world, row) => {
    const project = await world.makeProject();
    const path = await world.fill(row.path, { project_id: project });
    const account = /service_accounts\/(\w+)/.exec(path)?.[1];
    await world.make(`/organization/projects/${project}/archive`, undefined);
    const given = { project_id: project, ...(account !== undefined && { service_account_id: account }) };
    return await ask(world, row, { given: { alert_id: UNKNOWN, ...given } });
  },
  serviceAccountNotFound: at({ given: { service_account_id: UNKNOWN } }),
  fixed_by_environment: async (world, row) => {
    const { body } = await world.send("GET", "/organization/projects/lab/api_keys");
    const [key] = body["data"] as { id: string }[];
    return await ask(world, row, { given: { project_id: "lab", api_key_id: key!.id } });
  },
  keyNotFound: at({ given: { api_key_id: UNKNOWN } }),
  rateLimitNotFound: at({ given: { rate_limit_id: UNKNOWN } }),
  spendAlertNotFound: at({ given: { alert_id: UNKNOWN } }),
  spendLimitNotFound: async (world, row) => await ask(world, row, { given: { project_id: await world.makeProject() } }),
  fixedByEnvironment: at({ given: { project_id: "lab" } }),
  tooManyOf: untilFull,
  limit_reached: async (world, row) =>
    await (row.path === "/organization/projects" ? whileProjectsAreFull : untilFull)(world, row),

  modelNotFound: at({ body: { model: "gpt-nope", input: "Hello" } }),
  "input invalid_prompt": withModel("refusing"),
  providerRateLimited: withModel("limited"),
  insufficient_quota: withModel("unpaid"),
  runFailed: withModel("failing"),
  fileNotFound: at({ given: { file_id: FILE_ID } }),
  fileMissing: sendNoFile,
  "data missing_required_parameter": sendNoFile,
  fileEmpty: sendEmptyFile,
  "data invalid_value": sendEmptyFile,
  fileTooLarge: announceTooMuch,
  "data file_too_large": announceTooMuch,
  storageFull: async (world, row) =>
    takesForm(row)
      ? await world.announce(row.path, MUCH, "limited").answer
      : await ask(world, row, { at: "limited", body: { ...exampleOf(row), bytes: MUCH } }),
  uploadsFull: async (world, row) => {
    const path = await world.fill(row.path);
    const first = world.announce(path, 100, "limited");
    const [pending] = world.inspector.layout.blobs;
    await pollUntil(async () => (await world.inspector.redis.zcard(pending)) > 0);
    const answer = await world.announce(path, 100, "limited").answer;
    first.cut();
    await pollUntil(async () => (await world.inspector.redis.zcard(pending)) === 0);
    return answer;
  },
  filesUnavailable: at({ at: "limited" }),
  rangeNotSatisfiable: at({ headers: { range: "bytes=1000-" } }),
  fileBytesLost: async (world, row) => {
    const given = { file_id: await world.makeFile() };
    await world.loseBytes();
    return await ask(world, row, { given });
  },
  uploadNotFound: at({ given: { upload_id: UPLOAD_ID } }),
  uploadEnded: async (world, row) => {
    const upload_id = await world.makeUpload();
    const ending = row.path.endsWith("/cancel") ? "complete" : "cancel";
    await world.send("POST", `/uploads/${upload_id}/${ending}`, { part_ids: [world.lastPart] });
    return await ask(world, row, { given: { upload_id } });
  },
  uploadTooLarge: async (world, row) => await ask(world, row, { body: { ...exampleOf(row), bytes: 10 ** 12 } }),
  partsFull: async (world, row) => {
    const upload_id = await world.makeUpload();
    await world.addPart(upload_id);
    return await ask(world, row, { given: { upload_id } });
  },
  partNotFound: at({ body: { part_ids: ["part_none"] } }),
  partRepeated: async (world, row) => {
    const upload_id = await world.makeUpload();
    return await ask(world, row, { given: { upload_id }, body: { part_ids: [world.lastPart, world.lastPart] } });
  },
  partsIncomplete: async (world, row) => await ask(world, row, { given: { upload_id: await world.makeUpload(1_000) } }),
  checksumWrong: async (world, row) => {
    const upload_id = await world.makeUpload();
    return await ask(world, row, { given: { upload_id }, body: { part_ids: [world.lastPart], md5: "0".repeat(32) } });
  },

  malformedWebhookEndpointId: at({ given: { webhook_endpoint_id: "foo" } }),
  webhookEndpointNotFound: at({ given: { webhook_endpoint_id: "whe_none" } }),
  webhookEndpointReadOnly: async (world, row) =>
    await ask(world, row, { given: { webhook_endpoint_id: await world.operatorsEndpoint() } }),
  webhookUrlInvalid: async (world, row) => {
    const given = { webhook_endpoint_id: await endpointWithoutWorker(world) };
    return await ask(world, row, { given, at: "closed" });
  },
  webhookEndpointsFull: async (world, row) =>
    await world.fillUp(row.path, bodyOf(world, row), world.maxWebhookEndpoints, "other"),
  webhookTestFailed: async (world, row) => {
    const silent = await world.makeWebhookEndpoint(world.silentReceiverUrl);
    return await ask(world, row, { given: { webhook_endpoint_id: silent } });
  },
  webhookTestUnsent: async (world, row) => (await testWithoutWorker(world, row, 1))[0]!,
  // One process has 20 tests in work and 50 that wait.
  webhookTestsFull: async (world, row) =>
    (await testWithoutWorker(world, row, 75)).find(({ status }) => status === 429)!,
};

async function sendNoFile(world: EndpointWorld, row: EndpointRow): Promise<Wire> {
  const form = toForm(row, exampleOf(row));
  form.delete("file");
  form.delete("data");
  return await ask(world, row, { body: form });
}

async function sendEmptyFile(world: EndpointWorld, row: EndpointRow): Promise<Wire> {
  return await ask(world, row, { body: toForm(row, exampleOf(row), "") });
}

async function announceTooMuch(world: EndpointWorld, row: EndpointRow): Promise<Wire> {
  return await world.announce(await world.fill(row.path), 10 ** 10).answer;
}

/** More than a project may have of anything that `tooManyOf` limits. */
const MOST = 100;

const EXAMPLE_IDS: PathValues = {
  response_id: "resp_none",
  webhook_endpoint_id: "whe_none",
  file_id: "file-none",
  upload_id: "upload_none",
};

function exampleOf({ endpoint }: EndpointRow): object {
  return Object.values(endpoint.body?.examples ?? {})[0] as object;
}

function unknownIds(): [string, string][] {
  return ["api_key_id", "service_account_id", "alert_id"].map((name) => [name, UNKNOWN]);
}

async function whileProjectsAreFull(world: EndpointWorld, row: EndpointRow): Promise<Wire> {
  const { redis, layout } = world.inspector;
  const ids = Array.from({ length: 1_000 }, (_, i) => `proj_filler_${i}`);
  const stored = JSON.stringify({ name: "filler", created_at: 1 });
  await redis.hset(layout.organization.projects, Object.fromEntries(ids.map((id) => [id, stored])));
  const answer = await ask(world, row);
  await redis.hdel(layout.organization.projects, ...ids);
  return answer;
}

async function untilFull(world: EndpointWorld, row: EndpointRow): Promise<Wire> {
  return await world.fillUp(await world.fill(row.path), bodyOf(world, row), MOST);
}

async function endpointWithoutWorker(world: EndpointWorld): Promise<string> {
  const fields = { name: "Test", url: "https://example.com/", event_types: ["response.failed"] };
  const { body } = await world.send("POST", "/webhook_endpoints", fields, { at: "closed", caller: "project" });
  return String(body["id"]);
}

async function testWithoutWorker(world: EndpointWorld, row: EndpointRow, count: number): Promise<Wire[]> {
  const given = { webhook_endpoint_id: await endpointWithoutWorker(world) };
  return await Promise.all(Array.from({ length: count }, () => ask(world, row, { given, at: "closed" })));
}
