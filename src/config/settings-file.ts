/** A JSON file that a setting names. Errors name the line. */
import { readFileSync } from "node:fs";
import { LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { ConfigurationError } from "./configuration-error.ts";

/** A position in the file, as zod gives it. */
type Path = readonly PropertyKey[];

export interface SettingsError {
  path: Path;
  message: string;
}

export class SettingsFile {
  readonly #setting: string;
  readonly #path: string;
  readonly #text: string;

  /** Throws a ConfigurationError for a file that cannot be read. */
  constructor(setting: string, path: string) {
    this.#setting = setting;
    this.#path = path;
    try {
      this.#text = readFileSync(path, "utf8");
    } catch (error) {
      throw new ConfigurationError(`${setting}: ${path} cannot be read.`, { cause: error });
    }
  }

  /** Throws a ConfigurationError with every error and its line. `describe` words those that zod words badly. */
  parse<S extends z.ZodType>(
    schema: S,
    describe: (issue: z.core.$ZodIssue) => SettingsError[] | undefined = () => undefined,
  ): z.infer<S> {
    const parsed = schema.safeParse(this.readJson());
    if (parsed.success) return parsed.data;
    throw this.createError(parsed.error.issues.flatMap((issue) => describe(issue) ?? toSettingsErrors(issue)));
  }

  /** Creates an error that is found after parsing. */
  createError(errors: readonly SettingsError[]): ConfigurationError {
    const described = errors.map(
      ({ path, message }) => `line ${this.#lineOf(path)}: ${path.map(String).join(".") || "file"}: ${message}`,
    );
    return new ConfigurationError(`${this.#setting}: ${this.#path} is not valid. ${described.join("; ")}`);
  }

  /** Throws a ConfigurationError if the file is not JSON. */
  readJson(): unknown {
    try {
      return JSON.parse(this.#text);
    } catch (error) {
      const line = findBrokenLine(this.#text, error);
      throw new ConfigurationError(`${this.#setting}: ${this.#path} is not JSON: line ${line}.`, { cause: error });
    }
  }

  /** JSON is YAML, and the YAML parser keeps positions. For a missing key, the line of the object that lacks it. */
  #lineOf(path: Path): number {
    const lineCounter = new LineCounter();
    const document = parseDocument(this.#text, { lineCounter, keepSourceTokens: true });
    for (let length = path.length; length > 0; length--) {
      const offset = keyOffset(document.getIn(path.slice(0, length - 1), true), path[length - 1]!);
      if (offset !== undefined) return lineCounter.linePos(offset).line;
    }
    return 1;
  }
}

interface JsonNode {
  range?: readonly number[] | null;
}

/** Offset at which a member of a YAML object or list starts. */
function keyOffset(parent: unknown, key: PropertyKey): number | undefined {
  const { items = [] } = (parent ?? {}) as { items?: readonly (JsonNode & { key?: JsonNode & { value?: unknown } })[] };
  const member = typeof key === "number" ? items[key] : items.find((pair) => pair.key?.value === key)?.key;
  return member?.range?.[0];
}

function toSettingsErrors(issue: z.core.$ZodIssue): SettingsError[] {
  const { path, message } = issue;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ path: [...path, key], message: "unknown" }));
  }
  if (issue.code === "invalid_union") {
    const fitting = findClosestBranch(issue.errors);
    return (
      fitting?.flatMap(toSettingsErrors).map((error) => ({ ...error, path: [...path, ...error.path] })) ?? [
        { path, message },
      ]
    );
  }
  if (issue.code === "invalid_key") return issue.issues.map((inner) => ({ path, message: inner.message }));
  return [{ path, message }];
}

/** The errors of the only branch of a union that accepts this type of value. */
function findClosestBranch(branches: readonly z.core.$ZodIssue[][]): z.core.$ZodIssue[] | undefined {
  const fitting = branches.filter(
    (issues) => !issues.some(({ code, path }) => code === "invalid_type" && path.length === 0),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}

/** Characters that V8 shows before an unexpected token, if there are more. */
const SHOWN_BEFORE = 10;

/** V8 either names the position or quotes the text around it. A file that ends too early breaks on its last line. */
function findBrokenLine(text: string, error: unknown): number {
  const message = error instanceof Error ? error.message : "";
  const located = /line (\d+) column \d+\)$/.exec(message);
  if (located !== null) return Number(located[1]);
  const quoted = /^Unexpected token '([^])', (\.\.\.)?"([^]*)"(?:\.\.\.)? is not valid JSON$/u.exec(message);
  if (quoted === null) return text.trimEnd().split("\n").length;
  const [, token, ellipsis, around] = quoted;
  const offset = ellipsis === undefined ? text.indexOf(token!) : text.indexOf(around!) + SHOWN_BEFORE;
  return text.slice(0, offset).split("\n").length;
}
