/**
 * Converts a request's tools into functions, which every vendor has.
 *
 * | tool        | the model sees                                                        |
 * | ----------- | --------------------------------------------------------------------- |
 * | `function`  | the function                                                          |
 * | `custom`    | a function of one string, `input`; the description states its grammar |
 * | `namespace` | its tools, as `namespace__name`                                       |
 * | any other   | rejected: only OpenAI's hosted service has it                         |
 *
 * `allowed_tools` removes the other tools. A choice of one function or custom tool selects that tool.
 */
import type {
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4ToolChoice,
} from "@ai-sdk/provider";
import type { Tool } from "../../../src/protocol/tool.ts";
import type { UpstreamCall } from "../upstream.ts";
import { InvalidPromptError } from "../invalid-prompt.ts";
import { isObject, omitNullish, parseJson } from "../http/json.ts";

type Request = UpstreamCall["request"];
type ClientTool = Extract<Tool, { type: "function" | "custom" }>;
type InputSchema = LanguageModelV4FunctionTool["inputSchema"];

/** The tool that a model's call refers to. */
export interface CalledTool {
  type: "function" | "custom";
  name: string;
  namespace?: string;
}

/** The only parameter of a custom tool. */
const CUSTOM_INPUT = "input";
const CUSTOM_SCHEMA = {
  type: "object",
  properties: { [CUSTOM_INPUT]: { type: "string" } },
  required: [CUSTOM_INPUT],
  additionalProperties: false,
} satisfies InputSchema;

export class Toolbox {
  readonly #offered = new Map<string, { called: CalledTool; tool: LanguageModelV4FunctionTool }>();
  readonly #choice: LanguageModelV4ToolChoice | undefined;

  /** Throws InvalidPromptError for tools that only the hosted service has. */
  constructor(request: Request, added: readonly Tool[]) {
    for (const tool of [...(request.tools ?? []), ...added]) this.#add(tool);
    this.#choice = this.#choose(request.tool_choice ?? undefined);
  }

  get options(): Pick<LanguageModelV4CallOptions, "tools" | "toolChoice"> {
    if (this.#offered.size === 0) return {};
    return omitNullish({ tools: [...this.#offered.values()].map(({ tool }) => tool), toolChoice: this.#choice });
  }

  /** An unknown name becomes a call of a function with that name. */
  find(wireName: string): CalledTool {
    return this.#offered.get(wireName)?.called ?? { type: "function", name: wireName };
  }

  #add(tool: Tool): void {
    switch (tool.type) {
      case "function":
      case "custom":
        return this.#offer(tool);
      case "namespace":
        for (const each of tool.tools) this.#offer(each as ClientTool, tool.name);
        return;
      default:
        throw new InvalidPromptError(`The tool '${tool.type}' is not available with this model's provider.`);
    }
  }

  #offer(tool: ClientTool, namespace?: string): void {
    const name = qualifiedName(tool.name, namespace);
    const called = { type: tool.type, name: tool.name, ...(namespace !== undefined && { namespace }) };
    this.#offered.set(name, {
      called,
      tool: tool.type === "custom" ? toCustomTool(tool, name) : toFunctionTool(tool, name),
    });
  }

  #choose(choice: NonNullable<Request["tool_choice"]> | undefined): LanguageModelV4ToolChoice | undefined {
    if (choice === undefined) return undefined;
    if (typeof choice === "string") return { type: choice };
    switch (choice.type) {
      case "function":
      case "custom":
        return { type: "tool", toolName: this.#requireOffered(choice.name) };
      case "allowed_tools": {
        const allowed = new Set(choice.tools.map((tool) => this.#requireOffered(String(tool["name"] ?? tool["type"]))));
        for (const name of this.#offered.keys()) if (!allowed.has(name)) this.#offered.delete(name);
        return { type: choice.mode };
      }
      default:
        throw new InvalidPromptError(`The tool choice '${choice.type}' is not available with this model's provider.`);
    }
  }

  #requireOffered(name: string): string {
    if (this.#offered.has(name)) return name;
    throw new InvalidPromptError(`'tool_choice' asks for '${name}', which is not among the tools.`);
  }
}

export function qualifiedName(name: string, namespace: string | null | undefined): string {
  return namespace == null ? name : `${namespace}__${name}`;
}

function toFunctionTool(tool: Extract<ClientTool, { type: "function" }>, name: string): LanguageModelV4FunctionTool {
  const inputSchema = { type: "object", properties: {}, ...tool.parameters } as InputSchema;
  return {
    type: "function",
    name,
    inputSchema,
    ...omitNullish({ description: tool.description, strict: tool.strict }),
  };
}

function toCustomTool(tool: Extract<ClientTool, { type: "custom" }>, name: string): LanguageModelV4FunctionTool {
  const { format } = tool;
  const grammar =
    format?.type === "grammar" && `The ${CUSTOM_INPUT} must match this ${format.syntax} grammar:\n${format.definition}`;
  const description = [tool.description, grammar].filter(Boolean).join("\n\n");
  return {
    type: "function",
    name,
    inputSchema: CUSTOM_SCHEMA,
    ...omitNullish({ description: description || undefined }),
  };
}

/** Extracts a custom tool's input from the JSON object around it. */
export function unwrapCustomInput(json: string): string {
  const object = parseJson(json);
  const input = isObject(object) ? object[CUSTOM_INPUT] : undefined;
  // Some models write the input without the object.
  return typeof input === "string" ? input : json;
}

export function wrapCustomInput(input: string): Record<string, string> {
  return { [CUSTOM_INPUT]: input };
}
