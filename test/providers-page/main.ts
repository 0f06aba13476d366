/** `npm run docs:providers`: regenerates the tables of docs/vendor-traits.md. */
import { readFile, writeFile } from "node:fs/promises";
import { withTables } from "./write.ts";

const PAGE = new URL("../../docs/vendor-traits.md", import.meta.url);

await writeFile(PAGE, withTables(await readFile(PAGE, "utf8")));
