/** `npm run conformance` writes TABLE.md. With `--print` it prints the text and its sources, for the test. */
import { writeFile } from "node:fs/promises";
import { collectTable } from "./proofs.ts";
import { writeTable } from "./write.ts";

const TABLE = new URL("../TABLE.md", import.meta.url);

const table = await collectTable();
const markdown = writeTable(table.rows);
if (process.argv.includes("--print")) process.stdout.write(JSON.stringify({ ...table, markdown }));
else await writeFile(TABLE, markdown);
