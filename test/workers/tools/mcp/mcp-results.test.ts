/** The part of a tool's answer that a model sees, of any size. */
import { expect, test } from "vitest";
import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import { toToolResult } from "../../../../workers/tools/mcp/call-result.ts";

const PIXEL = "iVBORw0KGgo=";
const image = (data: string) => ({ type: "image" as const, mimeType: "image/png", data });
const text = (body: string) => ({ type: "text" as const, text: body });
const answered = (content: CallToolResult["content"]) => toToolResult({ content }, (body) => body).output;

test("a result shows a hundred parts and mentions more", () => {
  const parts = answered(Array.from({ length: 300_000 }, () => image(PIXEL)));
  expect(parts).toHaveLength(101);
  expect(parts.at(-1)).toEqual({ type: "input_text", text: "[cut off: the answer has more than 100 parts]" });
  expect(answered(Array.from({ length: 100 }, () => image(PIXEL)))).toHaveLength(100);
  expect(answered(Array.from({ length: 300_000 }, () => text("")))).toMatch(/^\n{100}\[cut off: [^\n]*\]$/);
});

test("a result skips empty images only", () => {
  const empty = Array.from({ length: 300_000 }, (_, i) => image(i % 2 === 0 ? "" : " "));
  expect(answered([...empty, text("seen")])).toBe("seen");
  expect(answered([...empty, image(PIXEL)])).toEqual([
    { type: "input_image", image_url: `data:image/png;base64,${PIXEL}`, detail: "auto" },
  ]);
  const resource = { uri: "file:///a.png", mimeType: "image/png", blob: "" };
  expect(answered([{ type: "resource", resource }])).toBe(
    "[resource file:///a.png image/png: image/png, 0 bytes, not shown]",
  );
});

test("a result's text has a limit, placeholders included", () => {
  const long = { type: "audio" as const, mimeType: "x".repeat(200_000), data: "AAAA" };
  const cut = answered([long, long, long]);
  expect(cut.length).toBeLessThan(256 * 1024 + 100);
  expect(cut).toContain("[cut off: the answer is longer");
  const most = "y".repeat(256 * 1024);
  expect(answered([text(most)])).toBe(most);
  expect(answered([text(most.slice(10)), image(PIXEL)])).toContain("[cut off: the answer is longer");
  const images = Array.from({ length: 50 }, () => image(PIXEL));
  expect(answered([...images, text(most.slice(900))]).at(-1)).toMatchObject({
    text: expect.stringContaining("[cut off: the answer is longer"),
  });
});

test("a result's images have a limit, and oversized ones are mentioned", () => {
  const large = image(`iVBORw0KGgoA${"A".repeat(5 * 1024 * 1024)}`);
  expect(answered([large, large, image(PIXEL)])).toEqual([
    expect.objectContaining({ type: "input_image" }),
    { type: "input_text", text: "[image: image/png, too large to show]" },
    expect.objectContaining({ type: "input_image" }),
  ]);
});
