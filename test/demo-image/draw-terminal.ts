/**
 * Draws the output of a terminal program as an SVG that plays once, at the speed of the run. Where nothing moves (a
 * printed page, a reader that asks for reduced motion) the whole output is shown.
 */
import { readTerminal, type TerminalFormat, type TerminalOutput, type TerminalText } from "./read-terminal.ts";

const COLUMNS = 102;
const CHARACTER_WIDTH = 8.4;
const LINE_HEIGHT = 20;
const PADDING = 16;

const STYLES: Readonly<Record<TerminalFormat, string>> = {
  plain: "",
  bold: "fill: #ffffff; font-weight: bold",
  dim: "fill: #8b949e",
  green: "fill: #3fb950",
  yellow: "fill: #d29922",
  cyan: "fill: #39c5cf",
};

export function drawTerminal(outputs: readonly TerminalOutput[]): string {
  const texts = readTerminal(outputs);
  const rows = (texts.at(-1)?.row ?? 0) + 1;
  const width = Math.ceil(COLUMNS * CHARACTER_WIDTH + 2 * PADDING);
  const height = rows * LINE_HEIGHT + 2 * PADDING;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" xml:space="preserve">
<title>The output of npm run demo</title>
<style>
text { font: 14px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #c9d1d9; white-space: pre }
${styleRules()}
@media (prefers-reduced-motion: no-preference) { text { animation: appear 1ms both } }
@keyframes appear { from { opacity: 0 } }
</style>
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
${texts.map(drawText).filter(Boolean).join("\n")}
</svg>
`;
}

function styleRules(): string {
  const rules = Object.entries(STYLES).filter(([, style]) => style !== "");
  return rules.map(([format, style]) => `.${format} { ${style} }`).join("\n");
}

/** The length is stated, so that columns stay aligned in each font. Empty if there is nothing to see. */
function drawText({ row, column, text, format, atMs }: TerminalText): string {
  const shown = text.trim();
  if (shown === "") return "";
  const start = column + text.length - text.trimStart().length;
  const attributes = [
    `x="${round(PADDING + start * CHARACTER_WIDTH)}"`,
    `y="${PADDING + (row + 0.75) * LINE_HEIGHT}"`,
    `textLength="${round(shown.length * CHARACTER_WIDTH)}"`,
    `class="${format}"`,
    `style="animation-delay: ${round(atMs / 1000)}s"`,
  ];
  return `<text ${attributes.join(" ")}>${escapeMarkup(shown)}</text>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escapeMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
