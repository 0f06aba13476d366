/** How a model sees cells that this server did not run, or whose journal is gone. */
import type { ContextItem } from "../../upstreams/upstream.ts";
import { RESULT_UNAVAILABLE, type ToolItems } from "../tool-items.ts";
import { CODE_ARGUMENT } from "./code-call-presenter.ts";

export const PYTHON_FUNCTION = "python";

type CodeOutputs = Extract<ContextItem, { type: "code_interpreter_call" }>["outputs"];

export const codeInterpreterItems: ToolItems = {
  callTypes: ["code_interpreter_call"],
  render: (item) => {
    if (item.type !== "code_interpreter_call") return undefined;
    const json = JSON.stringify({ [CODE_ARGUMENT]: item.code });
    return { kind: "call", name: PYTHON_FUNCTION, arguments: json, output: renderOutputs(item.outputs) };
  },
  includesResult: (item) => item.type === "code_interpreter_call" && item.outputs !== null,
};

/** Names images instead of writing out their base64. */
function renderOutputs(outputs: CodeOutputs): string {
  if (outputs === null) return RESULT_UNAVAILABLE;
  return outputs.map((each) => (each.type === "logs" ? each.logs : "[An image was shown to the user.]\n")).join("");
}
