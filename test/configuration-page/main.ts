/** `npm run docs:configuration`: writes docs/configuration.md and .env.example from src/config/settings.ts. */
import { writeFile } from "node:fs/promises";
import { configurationPage, exampleFile } from "./write.ts";

const PROJECT = new URL("../../", import.meta.url);

await writeFile(new URL("docs/configuration.md", PROJECT), configurationPage());
await writeFile(new URL(".env.example", PROJECT), exampleFile());
