/** `npm run docs:demo`: runs the demo and draws what it prints as docs/demo.svg. */
import { writeFile } from "node:fs/promises";
import { drawTerminal } from "./draw-terminal.ts";
import { recordDemo } from "./record-demo.ts";

const IMAGE = new URL("../../docs/demo.svg", import.meta.url);

await writeFile(IMAGE, drawTerminal(await recordDemo()));
