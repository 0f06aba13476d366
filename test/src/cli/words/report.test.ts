import type OpenAI from "openai";
import { expect, test } from "vitest";
import { describeDuration } from "../../../../src/cli/words/duration.ts";
import { writeReport } from "../../../../src/cli/words/report.ts";

type Text = OpenAI.Responses.ResponseOutputText;

function messageOf(
  text: string,
  cited: [words: string, url: string, title?: string][],
): OpenAI.Responses.ResponseOutputMessage {
  const annotations = cited.map(([words, url, title = "A page"]) => {
    const start_index = Array.from(text.slice(0, text.indexOf(words))).length;
    return {
      type: "url_citation" as const,
      url,
      title,
      start_index,
      end_index: start_index + Array.from(words).length,
    };
  });
  const part: Text = { type: "output_text", text, annotations, logprobs: [] };
  return { id: "msg_1", type: "message", role: "assistant", status: "completed", content: [part] };
}

test("each source is one footnote, in the order of its first citation", () => {
  const text =
    "😀 See [the lamp](https://b.example/x), [the tower](https://a.example) and [it](https://b.example/x) again.";
  const message = messageOf(text, [
    ["[the tower](https://a.example)", "https://a.example", "Tower\nof stone"],
    ["[the lamp](https://b.example/x)", "https://b.example/x"],
    ["[it](https://b.example/x)", "https://b.example/x"],
  ]);
  expect(writeReport(message).markdown).toBe(`😀 See the lamp[^1], the tower[^2] and it[^1] again.

[^1]: A page, <https://b.example/x>
[^2]: Tower of stone, <https://a.example>
`);
});

test("markers give way to footnotes, and cited words stay", () => {
  const message = messageOf("It burns oil 【1†source】. So says the keeper.", [
    ["【1†source】", "https://a.example"],
    ["the keeper", "https://c.example", ""],
  ]);
  expect(writeReport(message).markdown).toBe(`It burns oil [^1]. So says the keeper[^2].

[^1]: A page, <https://a.example>
[^2]: <https://c.example>
`);
});

test("wrong places of citations lose no text", () => {
  const message = messageOf("Short.", [["Short.", "https://a.example"]]);
  const part = message.content[0] as Text;
  const [first] = part.annotations;
  part.annotations.push({ ...first!, start_index: 2, end_index: 900 } as Text["annotations"][number]);
  expect(writeReport(message).markdown).toContain("Short.[^1][^1]");
});

test("a text without citations is unchanged", () => {
  expect(writeReport(messageOf("# Title\n\nText\n", [])).markdown).toBe("# Title\n\nText\n");
});

test.each([
  [0, "0 ms"],
  [999, "999 ms"],
  [59_400, "59 s"],
  [60_000, "1 min"],
  [125_000, "2 min 5 s"],
  [7_800_000, "2 h 10 min"],
  [277_200_000, "3 d 5 h"],
  [-5, "0 ms"],
])("%i ms are %s", (durationMs, words) => {
  expect(describeDuration(durationMs)).toBe(words);
});
