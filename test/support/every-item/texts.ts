/** A message and reasoning with every kind of part, annotation and logprob. */
import type { OutputContent } from "../../../src/protocol/content.ts";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import { type At, script } from "../legal-items.ts";
import { inProgress, done, textEvents } from "./steps.ts";

const part = (
  at: At & { content_index: number },
  before: OutputContent,
  after: OutputContent,
  between: ItemEventDraft[],
) =>
  [
    { type: "response.content_part.added", ...at, part: before },
    ...between,
    { type: "response.content_part.done", ...at, part: after },
  ] satisfies ItemEventDraft[];

const ANNOTATIONS = [
  { type: "url_citation", url: "https://example.org", title: "Herons", start_index: 0, end_index: 3 },
  { type: "file_citation", file_id: "file_1", filename: "herons.pdf", index: 1 },
  {
    type: "container_file_citation",
    container_id: "cntr_1",
    file_id: "cfile_1",
    filename: "plot.png",
    start_index: 0,
    end_index: 3,
  },
  { type: "file_path", file_id: "file_2", index: 2 },
] as const;
const LOGPROB = { token: "Her", logprob: -0.1, top_logprobs: [{ token: "Her", logprob: -0.1 }] };
const BYTES = { token: "Her", logprob: -0.1, bytes: [72, 101, 114] };

const EMPTY_TEXT = { type: "output_text" as const, text: "", annotations: [], logprobs: [] };
const TEXT = {
  type: "output_text" as const,
  text: "Herons",
  annotations: [...ANNOTATIONS],
  logprobs: [{ ...BYTES, top_logprobs: [BYTES] }],
};
const REFUSAL = { type: "refusal" as const, refusal: "No more." };

export const message = script(
  "message",
  { role: "assistant", ...inProgress, content: [] },
  { ...done, content: [TEXT, REFUSAL] },
  (item) => {
    const [first, second] = [0, 1].map((content_index) => ({ ...item, content_index })) as [never, never];
    const words = textEvents(first, "output_text", "text", ["Her", "ons"], { logprobs: [LOGPROB] });
    const notes = ANNOTATIONS.map((annotation, annotation_index) => ({
      type: "response.output_text.annotation.added" as const,
      ...(first as At & { content_index: number }),
      annotation_index,
      annotation,
    }));
    return [
      ...part(first, EMPTY_TEXT, TEXT, [...words.slice(0, -1), ...notes, ...words.slice(-1)]),
      ...part(
        second,
        { type: "refusal", refusal: "" },
        REFUSAL,
        textEvents(second, "refusal", "refusal", ["No ", "more."]),
      ),
    ];
  },
);

const THOUGHT = { type: "reasoning_text" as const, text: "They wade." };
const SUMMARY = { type: "summary_text" as const, text: "Wading." };

export const reasoning = script(
  "reasoning",
  { summary: [], encrypted_content: "gAAA", ...inProgress },
  { ...done, summary: [SUMMARY], content: [THOUGHT], encrypted_content: "gBBB" },
  (item) => {
    const [inner, outer] = [
      { ...item, content_index: 0 },
      { ...item, summary_index: 0 },
    ];
    return [
      { type: "response.reasoning_summary_part.added", ...outer, part: { ...SUMMARY, text: "" } },
      ...textEvents(outer, "reasoning_summary_text", "text", ["Wad", "ing."]),
      { type: "response.reasoning_summary_part.done", ...outer, part: SUMMARY },
      ...part(
        inner,
        { ...THOUGHT, text: "" },
        THOUGHT,
        textEvents(inner, "reasoning_text", "text", ["They ", "wade."]),
      ),
    ];
  },
);
