/** The folder of package.json and of the guides: the project, or the installed package, whose code is in `dist/`. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

function findPackageFolder(folder: string): string {
  const isFound = existsSync(join(folder, "package.json")) || dirname(folder) === folder;
  return isFound ? folder : findPackageFolder(dirname(folder));
}

export const PACKAGE_FOLDER = findPackageFolder(import.meta.dirname);
