/** The events of an upstream on their way into the log. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ItemGrammar } from "../../../src/lifecycle/event-grammar/item-grammar.ts";
import type { ItemEventDraft } from "../../../src/protocol/event.ts";
import type { OutputItem } from "../../../src/protocol/item.ts";
import { EventFilter, type ReasoningTexts } from "../../../workers/turn/event-filter.ts";
import { legalItem } from "../../support/legal-items.ts";

const seal = (thoughts: ReasoningTexts) => `sealed ${JSON.stringify(thoughts)}`;
const newForm = () => new EventFilter({}, seal);

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
    expect(form.filter(added(reasoning()))).toEqual(
      added(reasoning({ encrypted_content: seal({ summary: [], content: [] }) })),
    );
    expect(form.filter(done(reasoning({ summary, content })))).toEqual(
      done(
        reasoning({ summary, content, encrypted_content: seal({ summary: ["In short."], content: ["At length."] }) }),
      ),
    );
  });

  test("is sealed with its hidden text, which is recorded nowhere else", () => {
    const form = newForm();
    form.filter(added(reasoning(), 0));
    form.filter(added(reasoning({ id: "rs_2" }), 1));
    expect(form.filter(hidden("To be ", 0))).toBeUndefined();
    expect(form.filter(hidden("Another", 1))).toBeUndefined();
    expect(form.filter(hidden("or not.", 0))).toBeUndefined();
    const sealed = (text: string) => ({ encrypted_content: seal({ summary: [], content: [text] }) });
    expect(form.filter(done(reasoning(), 0))).toEqual(done(reasoning(sealed("To be or not.")), 0));
    expect(form.filter(done(reasoning({ id: "rs_2" }), 1))).toEqual(
      done(reasoning({ id: "rs_2", ...sealed("Another") }), 1),
    );
  });

  test("that was hidden is sealed once, and into no other item at its index", () => {
    const form = newForm();
    form.filter(added(reasoning()));
    form.filter(hidden("To be"));
    form.filter(done(reasoning()));
    const next = done(reasoning({ id: "rs_2" }));
    expect(form.filter(next)).toEqual(
      done(reasoning({ id: "rs_2", encrypted_content: seal({ summary: [], content: [] }) })),
    );
  });

  test("encrypted by its provider is unchanged", () => {
    const encrypted = done(reasoning({ summary, encrypted_content: "gAAA" }));
    expect(newForm().filter(encrypted)).toBe(encrypted);
  });

  test.each([null, ""])("left unencrypted by its provider is sealed: %j", (encrypted_content) => {
    const event = newForm().filter(done(reasoning({ encrypted_content })));
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
  expect(new EventFilter({ include: ["file_search_call.results"] }, seal).filter(done(call))).toEqual(done(call));
  expect(new EventFilter({ include: null }, seal).filter(done(call))).toEqual(done({ ...call, results: null }));
});

test("a legal log remains legal", () => {
  fc.assert(
    fc.property(fc.array(legalItem, { maxLength: 4 }), (scripts) => {
      const grammar = new ItemGrammar();
      const form = newForm();
      for (const event of scripts.flatMap((script, index) => script(index))) grammar.accept(form.filter(event)!);
      grammar.checkAllDone({ type: "finish" });
    }),
  );
});
