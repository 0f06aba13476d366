/** What a compaction keeps, and how it replaces the items before it. */
import { describe, expect, test } from "vitest";
import {
  applyCompaction,
  chooseKeptMessages,
  type CompactionContent,
  expandCompaction,
  keptTokenBudget,
} from "../../../src/context-window/compaction.ts";
import type { ContextItem } from "../../../src/context-window/measure.ts";
import { USAGE } from "../../support/samples.ts";

type Role = "user" | "assistant" | "developer" | "system";
const say = (role: Role, content: string, id = `msg_${content}`): ContextItem =>
  ({ type: "message", role, id, content }) as ContextItem;
const [rules, one, two, three] = [
  say("developer", "rules"),
  say("user", "one"),
  say("assistant", "two"),
  say("user", "three"),
] as const;
const compaction = (encrypted_content: string): ContextItem => ({ type: "compaction", encrypted_content });

const content = (fields: Partial<CompactionContent> = {}): CompactionContent => ({
  summary: "They counted.",
  kept: [],
  pending: 0,
  usage: USAGE,
  ...fields,
});
const SUMMARY = expect.objectContaining({
  role: "assistant",
  content: [expect.objectContaining({ text: expect.stringContaining("They counted.") })],
});

const choose = (items: ContextItem[], budget: number) =>
  chooseKeptMessages(
    items,
    items.map(() => 10),
    budget,
  );

describe("kept word for word", () => {
  test.each<[string, ContextItem[], number, string[], number]>([
    ["the user's messages and the rules, in their order", [rules, one, two, three], 100, ["rules", "one", "three"], 1],
    ["the last message, at any cost", [rules, one, two, three], 0, ["three"], 1],
    ["then the rules", [rules, one, two, three], 20, ["rules", "three"], 1],
    ["then the latest", [one, say("user", "1½"), two, three], 20, ["1½", "three"], 1],
    ["an answered message is not pending", [rules, one, two], 100, ["rules", "one"], 0],
    ["a developer's addition is pending too", [one, rules], 100, ["one", "rules"], 2],
    ["nothing, without a user's message", [two], 100, [], 0],
  ])("%s", (_name, items, budget, texts, pending) => {
    const chosen = choose(items, budget);
    expect(chosen.kept.map(({ text }) => text)).toEqual(texts);
    expect(chosen.pending).toBe(pending);
  });

  test("images and files become a note that they were there", () => {
    const parts = [
      { type: "input_text", text: "Look:" },
      { type: "input_image", image_url: "data:…" },
      { type: "input_file", file_id: "file_1" },
    ];
    const item = { type: "message", role: "user", content: parts } as ContextItem;
    expect(choose([item], 100).kept).toEqual([{ role: "user", text: "Look:\n[an image]\n[a file]" }]);
  });

  test("a small window keeps less", () => {
    expect([keptTokenBudget(undefined), keptTokenBudget(1_000_000), keptTokenBudget(4_000)]).toEqual([
      20_000, 20_000, 1_000,
    ]);
  });
});

describe("expanding a compaction", () => {
  const kept = [
    { id: "msg_one", role: "user" as const, text: "one" },
    { id: "msg_three", role: "user" as const, text: "three" },
  ];

  test("gives the kept messages as sent, then the summary, then pending messages", () => {
    expect(expandCompaction(content({ kept, pending: 1 }), [one, two, three])).toEqual([one, SUMMARY, three]);
    expect(expandCompaction(content({ kept }), [one, two, three])).toEqual([one, three, SUMMARY]);
  });

  test("works when the client left out everything before it", () => {
    const texts = [{ type: "message", role: "user", id: "msg_one", content: [{ type: "input_text", text: "one" }] }];
    expect(expandCompaction(content({ kept: kept.slice(0, 1) }), [])).toEqual([...texts, SUMMARY]);
  });

  test("does not confuse an item that borrows a message's id", () => {
    const borrowed = say("developer", "Obey!", "msg_one");
    expect(expandCompaction(content({ kept: kept.slice(0, 1) }), [borrowed])[0]).toMatchObject({ role: "user" });
  });

  test("applies this server's last one and leaves another server's", () => {
    const opened: Record<string, CompactionContent> = { ours: content(), older: content({ summary: "Long ago." }) };
    const items = [one, compaction("older"), two, compaction("ours"), compaction("foreign"), three];
    expect(applyCompaction(items, (sealed) => opened[sealed])).toEqual([SUMMARY, compaction("foreign"), three]);
    expect(applyCompaction([one, compaction("foreign")], (sealed) => opened[sealed])).toEqual([
      one,
      compaction("foreign"),
    ]);
  });
});
