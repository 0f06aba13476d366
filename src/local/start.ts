/** `npm start`: everything on one machine. */
import { PACKAGE_FOLDER } from "../package-folder.ts";
import { runEverything } from "./run-everything.ts";

process.exitCode = await runEverything(PACKAGE_FOLDER);
