/**
 * `GET /responses` (contract.md#lists-of-responses). The index finds the ids of a page. An entry comes from the response's
 * opening event and its record, so a page does not read outputs that it does not show.
 */
import { isTerminalStatus, type Response } from "../../protocol/response.ts";
import type { ResponseListQuery } from "../../protocol/response-list.ts";
import { parseInSlices } from "../../concurrency/parse-in-slices.ts";
import type { ListedRecord } from "../../store/listed-record.ts";
import { metadataTokens } from "../../store/lists/list-index.ts";
import { APPROVAL_TOKEN } from "../../store/lists/list-scripts.ts";
import { backgroundToken, modelToken, statusTokens } from "../../store/lists/response-list.ts";
import type { Storage } from "../storage.ts";
import { findListBounds, type ListBounds } from "./list-bounds.ts";
import { extractResponseJson, readResponse } from "./read-response.ts";

/** A page with more than this ends early, with at least one entry. */
const PAGE_CHARACTERS = 4 * 1024 * 1024;
/** Stored bytes of the entries that are read at the same time. */
const READ_BYTES = 1024 * 1024;

type ListStorage = Pick<Storage, "records" | "responseList" | "visibleLogReader">;

/** More fields of an entry as JSON, such as `"run":{…}`. Undefined without any. */
export type DescribeMore = (id: string) => Promise<string | undefined>;

/** `project` is undefined for all projects. The answer is JSON. Throws the contract's error for an unknown cursor. */
export async function listResponses(
  storage: ListStorage,
  project: string | undefined,
  query: ResponseListQuery,
  describeMore?: DescribeMore,
): Promise<string> {
  const bounds = await findListBounds(storage.responseList.index, project, query);
  // One more than the page, to learn whether more follow.
  const records = await findRecords(storage, project, query, bounds);
  const includesOutput = query.include?.includes("output") ?? false;
  const render = async (record: ListedRecord) => {
    const [json, more] = await Promise.all([
      includesOutput ? readWhole(storage, record.id) : readWithoutOutput(storage, record),
      describeMore?.(record.id),
    ]);
    return json !== undefined && more !== undefined ? `${json.slice(0, -1)},${more}}` : json;
  };
  const { entries, isCut } = await renderPage(records.slice(0, query.limit), render);
  return toPageJson(bounds.isReversed ? entries.toReversed() : entries, isCut || records.length > query.limit);
}

async function findRecords(
  { responseList, records }: ListStorage,
  project: string | undefined,
  query: ResponseListQuery,
  { order, start, stop }: ListBounds,
): Promise<ListedRecord[]> {
  const search = { project, filters: filtersOf(query), order, stop };
  const found: ListedRecord[] = [];
  for (let from = start; ;) {
    const wanted = query.limit + 1 - found.length;
    const positions = await responseList.index.find({ ...search, start: from }, wanted);
    for (const record of await Promise.all(positions.map(({ id }) => records.readListed(id)))) {
      // The index learns the end of a response only after the record.
      if (record !== undefined && hasStatus(record, query)) found.push(record);
    }
    if (found.length > query.limit || positions.length < wanted) return found;
    from = positions.at(-1);
  }
}

function filtersOf({ status = [], model, background, metadata = {}, step }: ResponseListQuery): string[][] {
  return [
    ...(status.length > 0 ? [statusTokens(status)] : []),
    ...(model === undefined ? [] : [[modelToken(model)]]),
    ...(background === undefined ? [] : [[backgroundToken(background)]]),
    ...metadataTokens(metadata).map((token) => [token]),
    ...(step === undefined ? [] : [[APPROVAL_TOKEN]]),
  ];
}

function hasStatus(record: ListedRecord, { status = [] }: ResponseListQuery): boolean {
  return status.length === 0 || status.includes(record.status);
}

interface Entry {
  id: string;
  json: string;
}

/** Reads as many records at once as fit. Skips responses that were deleted meanwhile. */
async function renderPage(
  records: readonly ListedRecord[],
  render: (record: ListedRecord) => Promise<string | undefined>,
): Promise<{ entries: Entry[]; isCut: boolean }> {
  const entries: Entry[] = [];
  let characters = 0;
  for (let from = 0; from < records.length;) {
    const group = takeGroup(records, from);
    const texts = await Promise.all(group.map(render));
    for (const [i, json] of texts.entries()) {
      if (json === undefined) continue;
      characters += json.length;
      if (characters > PAGE_CHARACTERS && entries.length > 0) return { entries, isCut: true };
      entries.push({ id: group[i]!.id, json });
    }
    from += group.length;
  }
  return { entries, isCut: false };
}

function takeGroup(records: readonly ListedRecord[], from: number): ListedRecord[] {
  let bytes = 0;
  const end = records.findIndex((record, i) => i >= from && (bytes += record.bytes) > READ_BYTES && i > from);
  return records.slice(from, end === -1 ? undefined : end);
}

async function readWhole(storage: ListStorage, id: string): Promise<string | undefined> {
  return (await readResponse(storage, id))?.json;
}

/** The opening event has the whole request, and the end changes few fields. */
async function readWithoutOutput(storage: ListStorage, record: ListedRecord): Promise<string | undefined> {
  const { id, status, isPlain, ending } = record;
  const json = isPlain ? await readOpening(storage, id) : await readWhole(storage, id);
  if (json === undefined) return undefined;
  const { output: _output, ...response } = await parseInSlices<Response>(json);
  if (!isPlain) return JSON.stringify(response);
  return JSON.stringify({ ...response, ...(isTerminalStatus(status) ? ending?.fields : { status }) });
}

async function readOpening({ visibleLogReader }: ListStorage, id: string): Promise<string | undefined> {
  const [opening] = await visibleLogReader.read(id, 0, 1);
  return opening && extractResponseJson(opening);
}

function toPageJson(entries: readonly Entry[], hasMore: boolean): string {
  const data = entries.map(({ json }) => json).join(",");
  const ids = { first_id: entries[0]?.id ?? null, last_id: entries.at(-1)?.id ?? null, has_more: hasMore };
  return `{"object":"list","data":[${data}],${JSON.stringify(ids).slice(1)}`;
}
