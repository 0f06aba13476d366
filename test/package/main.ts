/**
 * `npm pack` and `npm publish` run it first: compiles `src/` and `workers/` into `dist/`, because Node does not strip types
 * from packages. Only the client is imported by programs, so only it has declarations.
 */
import { execFileSync } from "node:child_process";
import { cpSync, globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_FOLDER } from "../../src/package-folder.ts";

function compile(...options: string[]): void {
  execFileSync(process.execPath, [join("node_modules", "typescript", "bin", "tsc"), ...options], {
    cwd: PACKAGE_FOLDER,
    // `npm pack --json` prints only its own JSON.
    stdio: ["ignore", 2, 2],
  });
}

rmSync(join(PACKAGE_FOLDER, "dist"), { recursive: true, force: true });
compile("-p", "tsconfig.package.json");
compile("-p", "tsconfig.client.json");
/** Files that the code loads from its own folders. */
for (const file of globSync("{src,workers}/**/*.{cjs,css,html,ico,js,json,mjs,png,py,svg,webp,woff2,zip}", {
  cwd: PACKAGE_FOLDER,
})) {
  cpSync(join(PACKAGE_FOLDER, file), join(PACKAGE_FOLDER, "dist", file));
}
