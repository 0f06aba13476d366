/** Who uses this page, and what the key may do. */
import { computed, signal } from "@preact/signals";
import type { Model } from "../../../protocol/model.ts";
import { key, setKey } from "./key.ts";
import { ApiError, messageOf, request } from "./requests.ts";

/** `unreachable`: the server could not be asked. */
export type SessionState = "opening" | "signed-out" | "open" | "unreachable";

/** The parts of the console that not every server and key have. */
export type Area = "lists" | "webhooks" | "organization" | "queues" | "usage";

const PROBES: Readonly<Record<Area, string>> = {
  lists: "responses?limit=1",
  webhooks: "webhook_endpoints?limit=1",
  organization: "organization/projects?limit=1",
  queues: "organization/queues",
  usage: `organization/usage/completions?limit=1&start_time=1`,
};

export const state = signal<SessionState>("opening");
/** Why the last key was refused, or the server could not be asked. */
export const problem = signal<string | undefined>(undefined);
export const models = signal<readonly Model[]>([]);
export const areas = signal<ReadonlySet<Area>>(new Set());
/** Without keys, everyone who reaches the server uses it. */
export const isAnonymous = computed(() => state.value === "open" && key.value === undefined);
export const isAdmin = computed(() => areas.value.has("organization"));

/** With the key of this tab, or without one. */
export async function openSession(): Promise<void> {
  const isFirst = state.value === "opening";
  state.value = "opening";
  try {
    const list = await request<{ data: Model[] }>("GET", "models");
    models.value = list.data;
    areas.value = await findAreas();
    problem.value = undefined;
    state.value = "open";
  } catch (error) {
    const isRefused = error instanceof ApiError && error.status === 401;
    // A visitor who has not tried anything yet is only asked for a key.
    problem.value = isRefused && isFirst && key.value === undefined ? undefined : messageOf(error);
    if (isRefused) setKey(undefined);
    state.value = isRefused ? "signed-out" : "unreachable";
  }
}

export async function signIn(value: string): Promise<void> {
  setKey(value);
  await openSession();
}

/** Shows the form for a key, also where none is needed: an administrator has one. */
export function signOut(): void {
  setKey(undefined);
  problem.value = undefined;
  state.value = "signed-out";
}

/** A server may lack an endpoint, and a key may not use it; either way the page has nothing to show. */
async function findAreas(): Promise<ReadonlySet<Area>> {
  const names: Area[] = ["lists", "webhooks", "organization", "queues", "usage"];
  const found = await Promise.all(names.map(async (name) => ((await answers(PROBES[name])) ? [name] : [])));
  return new Set(found.flat());
}

async function answers(path: string): Promise<boolean> {
  try {
    await request("GET", path);
    return true;
  } catch (error) {
    // Only a clear refusal hides a page: it shows any other error itself.
    return !(error instanceof ApiError && error.isUnavailable);
  }
}
