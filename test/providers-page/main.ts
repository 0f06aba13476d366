/** `npm run docs:providers`: makes the tables of docs/providers.md again. */
import { readFile, writeFile } from "node:fs/promises";
import { withTables } from "./write.ts";

const PAGE = new URL("../../docs/providers.md", import.meta.url);

await writeFile(PAGE, withTables(await readFile(PAGE, "utf8")));
