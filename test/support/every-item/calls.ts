/** Calls of tools that have their own events. */
import type { OutputItem } from "../../../src/protocol/item.ts";
import { type At, script } from "../legal-items.ts";
import { inProgress, done, callEvents, textEvents } from "./steps.ts";

export const search = (kind: "web_search_call" | "file_search_call") => (at: At) =>
  callEvents(at, kind, "in_progress", "searching", "completed");

type WebAction = Extract<OutputItem, { type: "web_search_call" }>["action"];
export const webSearch = (action: WebAction) =>
  script(
    "web_search_call",
    { ...inProgress, action: { type: "search" } },
    { ...done, action },
    search("web_search_call"),
  );

export const SEARCH_RESULTS = {
  attributes: { year: 2026 },
  file_id: "file_1",
  filename: "herons.pdf",
  score: 0.9,
  text: "Herons wade.",
};

export const imageGeneration = script(
  "image_generation_call",
  { ...inProgress, result: null },
  { ...done, result: "AA==", output_format: "png", quality: "low", size: "1024x1024", background: "opaque" },
  (at) => [
    ...callEvents(at, "image_generation_call", "in_progress", "generating"),
    ...[0, 1].map((partial_image_index) => ({
      type: "response.image_generation_call.partial_image" as const,
      ...at,
      partial_image_index,
      partial_image_b64: "AA==",
      size: "1024x1024",
      quality: "low",
      background: "opaque",
      output_format: "png",
    })),
    ...callEvents(at, "image_generation_call", "completed"),
  ],
);

const SERVER = { server_label: "wetlands" };
export const MCP_CALL = { ...SERVER, name: "count", arguments: "" };
export const ARGUMENTS = '{"place":"reeds"}';
export const argumentEvents = (at: At, kind: string) =>
  textEvents(at, kind, "arguments", [ARGUMENTS.slice(0, 5), ARGUMENTS.slice(5)]);
export const mcpCall = (last: "completed" | "failed", after: object) =>
  script("mcp_call", { ...MCP_CALL, ...inProgress }, { arguments: ARGUMENTS, ...after }, (at) => [
    ...callEvents(at, "mcp_call", "in_progress"),
    ...argumentEvents(at, "mcp_call_arguments"),
    ...callEvents(at, "mcp_call", last),
  ]);
export const mcpListTools = (last: "completed" | "failed", after: object) =>
  script("mcp_list_tools", { ...SERVER, tools: [] }, after, (at) =>
    callEvents(at, "mcp_list_tools", "in_progress", last),
  );

const RUN = { commands: ["ls", "pwd"], max_output_length: null, timeout_ms: null };
const RAN = [
  { outcome: { type: "exit" as const, exit_code: 0 }, stdout: "reeds", stderr: "" },
  { outcome: { type: "timeout" as const }, stdout: "", stderr: "late" },
];

export const shellCall = script(
  "shell_call",
  { ...inProgress, call_id: "call_shell", action: { ...RUN, commands: [] }, environment: { type: "local" } },
  { ...done, action: RUN },
  ({ output_index }) =>
    RUN.commands.flatMap((command, command_index) => [
      { type: "response.shell_call_command.added" as const, output_index, command_index, command: "" },
      ...textEvents({ output_index, command_index }, "shell_call_command", "command", [command]),
    ]),
);

export const shellCallOutput = script(
  "shell_call_output",
  { ...inProgress, call_id: "call_shell", output: [], max_output_length: null },
  { ...done, output: RAN },
  (at) =>
    RAN.flatMap((output, command_index) => [
      {
        type: "response.shell_call_output_content.delta" as const,
        ...at,
        command_index,
        delta: output.stdout === "" ? { stderr: output.stderr } : { stdout: output.stdout },
      },
      { type: "response.shell_call_output_content.done" as const, ...at, command_index, output: [output] },
    ]),
);

type Operation = Extract<OutputItem, { type: "apply_patch_call" }>["operation"];

/** Providers stream the diff in unpublished events (contract.md#events). */
export const patch = (call_id: string, operation: Operation) =>
  script("apply_patch_call", { ...inProgress, call_id, operation }, done, (at) =>
    "diff" in operation ? textEvents(at, "apply_patch_call_operation_diff", "diff", [operation.diff]) : [],
  );
