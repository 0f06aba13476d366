/** The events of an upstream on their way into the log. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ItemGrammar } from "../../../src/lifecycle/event-grammar/item-grammar.ts";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import { EventRecorder, type ReasoningTexts } from "../../../workers/turn/event-recorder.ts";
import { legalItem } from "../../support/legal-items.ts";

const seal = (thoughts: ReasoningTexts) => `sealed ${JSON.stringify(thoughts)}`;
const newForm = () => new EventRecorder({}, seal);

type Reasoning = Extract<OutputItem, { type: "reasoning" }>;
const reasoning = (fields: Partial<Reasoning> = {}): Reasoning => ({
  type: "reasoning",
  id: "rs_1",
  summary: [],
  ...fields,
});
const added = (item: OutputItem, output_index = 0): ItemEventDraft => ({
  type: "response.output_item.added",
  output_index,
  item,
});
const done = (item: OutputItem, output_index = 0): ItemEventDraft => ({
  type: "response.output_item.done",
  output_index,
  item,
});
const hidden = (text: string, output_index = 0) => ({ type: "hidden_reasoning" as const, output_index, text });

describe("reasoning", () => {
  const summary = [{ type: "summary_text" as const, text: "In short." }];
  const content = [{ type: "reasoning_text" as const, text: "At length." }];

  test("is sealed with its visible text, at start and end", () => {
    const form = newForm();
    expect(form.record(added(reasoning()))).toEqual(
      added(reasoning({ encrypted_content: seal({ summary: [], content: [] }) })),
    );
    expect(form.record(done(reasoning({ summary, content })))).toEqual(
      done(
        reasoning({ summary, content, encrypted_content: seal({ summary: ["In short."], content: ["At length."] }) }),
      ),
    );
  });

  test("is sealed with its hidden text, which is recorded nowhere else", () => {
    const form = newForm();
    form.record(added(reasoning(), 0));
    form.record(added(reasoning({ id: "rs_2" }), 1));
    expect(form.record(hidden("To be ", 0))).toBeUndefined();
    expect(form.record(hidden("Another", 1))).toBeUndefined();
    expect(form.record(hidden("or not.", 0))).toBeUndefined();
    const sealed = (text: string) => ({ encrypted_content: seal({ summary: [], content: [text] }) });
    expect(form.record(done(reasoning(), 0))).toEqual(done(reasoning(sealed("To be or not.")), 0));
    expect(form.record(done(reasoning({ id: "rs_2" }), 1))).toEqual(
      done(reasoning({ id: "rs_2", ...sealed("Another") }), 1),
    );
  });

  test("that was hidden is sealed once, and into no other item at its index", () => {
    const form = newForm();
    form.record(added(reasoning()));
    form.record(hidden("To be"));
    form.record(done(reasoning()));
    const next = done(reasoning({ id: "rs_2" }));
    expect(form.record(next)).toEqual(
      done(reasoning({ id: "rs_2", encrypted_content: seal({ summary: [], content: [] }) })),
    );
  });

  test("encrypted by its provider is unchanged", () => {
    const encrypted = done(reasoning({ summary, encrypted_content: "gAAA" }));
    expect(newForm().record(encrypted)).toBe(encrypted);
  });

  test.each([null, ""])("left unencrypted by its provider is sealed: %j", (encrypted_content) => {
    const event = newForm().record(done(reasoning({ encrypted_content })));
    expect(event).toEqual(done(reasoning({ encrypted_content: seal({ summary: [], content: [] }) })));
  });
});

test("included fields are recorded", () => {
  const call = {
    type: "file_search_call" as const,
    id: "fs_1",
    status: "completed" as const,
    queries: [],
    results: [],
  };
  expect(new EventRecorder({ include: ["file_search_call.results"] }, seal).record(done(call))).toEqual(done(call));
  expect(new EventRecorder({ include: null }, seal).record(done(call))).toEqual(done({ ...call, results: null }));
});

test("a legal log remains legal", () => {
  fc.assert(
    fc.property(fc.array(legalItem, { maxLength: 4 }), (scripts) => {
      const grammar = new ItemGrammar();
      const form = newForm();
      for (const event of scripts.flatMap((script, index) => script(index))) grammar.accept(form.record(event)!);
      grammar.checkAllDone({ type: "finish" });
    }),
  );
});
