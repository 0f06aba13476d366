/** Building blocks of most items' streams. */
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { At } from "../legal-items.ts";

export const done = { status: "completed" } as const;
export const inProgress = { status: "in_progress" } as const;

/** Events that name only a call's position. */
export const callEvents = (at: At, kind: string, ...names: string[]) =>
  names.map((name) => ({ type: `response.${kind}.${name}`, ...at }) as unknown as ItemEventDraft);

/** A text in deltas, then whole, in the named field. */
export const textEvents = (at: object, kind: string, field: string, deltas: readonly string[], more: object = {}) =>
  [
    ...deltas.map((delta) => ({ type: `response.${kind}.delta`, ...at, delta, ...more })),
    { type: `response.${kind}.done`, ...at, [field]: deltas.join(""), ...more },
  ] as ItemEventDraft[];
