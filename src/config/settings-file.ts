/** A JSON file that a setting names, whose faults say on which line they are. */
import { readFileSync } from "node:fs";
import { LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { ConfigurationError } from "./configuration-error.ts";

/** A place in the file, as zod names it. */
type Path = readonly PropertyKey[];

export interface FileFault {
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

  /** Throws a ConfigurationError that names every fault, each with its line; `describe` tells what zod cannot. */
  parse<S extends z.ZodType>(
    schema: S,
    describe: (issue: z.core.$ZodIssue) => FileFault[] | undefined = () => undefined,
  ): z.infer<S> {
    const parsed = schema.safeParse(this.json());
    if (parsed.success) return parsed.data;
    throw this.fault(parsed.error.issues.flatMap((issue) => describe(issue) ?? faultsOf(issue)));
  }

  /** For what is found wrong with the file later. */
  fault(faults: readonly FileFault[]): ConfigurationError {
    const described = faults.map(
      ({ path, message }) => `line ${this.#lineOf(path)}: ${path.map(String).join(".") || "file"}: ${message}`,
    );
    return new ConfigurationError(`${this.#setting}: ${this.#path} is not valid. ${described.join("; ")}`);
  }

  /** Throws a ConfigurationError if it is none. */
  json(): unknown {
    try {
      return JSON.parse(this.#text);
    } catch (error) {
      const line = brokenLine(this.#text, error);
      throw new ConfigurationError(`${this.#setting}: ${this.#path} is not JSON: line ${line}.`, { cause: error });
    }
  }

  /** JSON is YAML, whose parser keeps the places. Of what is missing, the line of what it is missing in. */
  #lineOf(path: Path): number {
    const lineCounter = new LineCounter();
    const document = parseDocument(this.#text, { lineCounter, keepSourceTokens: true });
    for (let length = path.length; length > 0; length--) {
      const place = keyOffset(document.getIn(path.slice(0, length - 1), true), path[length - 1]!);
      if (place !== undefined) return lineCounter.linePos(place).line;
    }
    return 1;
  }
}

interface Place {
  range?: readonly number[] | null;
}

/** Where the member of a YAML object or list begins. */
function keyOffset(parent: unknown, key: PropertyKey): number | undefined {
  const { items = [] } = (parent ?? {}) as { items?: readonly (Place & { key?: Place & { value?: unknown } })[] };
  const member = typeof key === "number" ? items[key] : items.find((pair) => pair.key?.value === key)?.key;
  return member?.range?.[0];
}

function faultsOf(issue: z.core.$ZodIssue): FileFault[] {
  const { path, message } = issue;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ path: [...path, key], message: "unknown" }));
  }
  if (issue.code === "invalid_union") {
    const fitting = fittingBranch(issue.errors);
    return (
      fitting?.flatMap(faultsOf).map((fault) => ({ ...fault, path: [...path, ...fault.path] })) ?? [{ path, message }]
    );
  }
  if (issue.code === "invalid_key") return issue.issues.map((inner) => ({ path, message: inner.message }));
  return [{ path, message }];
}

/** The faults of the one branch of a union that takes this kind of value at all. */
function fittingBranch(branches: readonly z.core.$ZodIssue[][]): z.core.$ZodIssue[] | undefined {
  const fitting = branches.filter(
    (issues) => !issues.some(({ code, path }) => code === "invalid_type" && path.length === 0),
  );
  return fitting.length === 1 ? fitting[0] : undefined;
}

/** How much the engine shows of a text before the token that it did not expect, if there is more. */
const SHOWN_BEFORE = 10;

/** The engine names the place, or shows it; of a file that ends too early it is the end. */
function brokenLine(text: string, error: unknown): number {
  const message = error instanceof Error ? error.message : "";
  const named = /line (\d+) column \d+\)$/.exec(message);
  if (named !== null) return Number(named[1]);
  const shown = /^Unexpected token '([^])', (\.\.\.)?"([^]*)"(?:\.\.\.)? is not valid JSON$/u.exec(message);
  if (shown === null) return text.trimEnd().split("\n").length;
  const [, token, ellipsis, around] = shown;
  const place = ellipsis === undefined ? text.indexOf(token!) : text.indexOf(around!) + SHOWN_BEFORE;
  return text.slice(0, place).split("\n").length;
}
