/**
 * What the model is shown of calls that this server made: a function call and its output, as it knows them, whatever the
 * log shows a client. The same items and the same journal make the same context, before a crash and after it.
 */
import { truncateOutputs, turnOutputLimit } from "../../tools/truncate-output.ts";
import type { MadeCall as ExecutedCall } from "../../tools/made-call.ts";
import { toMcpFunctionName } from "../../tools/mcp/function-name.ts";
import type { ContextItem } from "../../upstreams/upstream.ts";

type FunctionCall = Extract<ContextItem, { type: "function_call" }>;
type CallOutput = Extract<ContextItem, { type: "function_call_output" }>;
interface CallPair {
  call: FunctionCall;
  output: CallOutput;
  turn: string;
}

/**
 * `items` may be a part of the conversation, `made` are calls by the ids of the items that show them. `isHosted`: the provider
 * understands items of this type itself. `contextWindow` is the model's, in tokens, if it is known.
 */
export function renderContext(
  items: readonly ContextItem[],
  executed: ReadonlyMap<string, ExecutedCall>,
  isHosted: (type: string) => boolean,
  conversation: readonly ContextItem[] = items,
  contextWindow?: number,
): ContextItem[] {
  const context: ContextItem[] = [];
  let turn: CallPair[] = [];
  // Calls that were asked for side by side are answered after all of them: some providers take them in no other order.
  const flush = () => {
    for (const { call } of turn) context.push(call);
    const shown = truncateOutputs(
      turn.map(({ output }) => output.output),
      turnOutputLimit(contextWindow),
    );
    for (const [place, { output }] of turn.entries()) context.push({ ...output, output: shown[place]! });
    turn = [];
  };
  for (const item of items) {
    const shown = renderItem(item, executed, isHosted, conversation);
    if (shown === undefined) continue;
    if (!("output" in shown && "turn" in shown)) {
      flush();
      context.push(shown);
      continue;
    }
    if (turn.length > 0 && turn[0]!.turn !== shown.turn) flush();
    turn.push(shown);
  }
  flush();
  return context;
}

function renderItem(
  item: ContextItem,
  made: ReadonlyMap<string, ExecutedCall>,
  isHosted: (type: string) => boolean,
  conversation: readonly ContextItem[],
): ContextItem | CallPair | undefined {
  const known = item.id == null ? undefined : made.get(item.id);
  if (known !== undefined) {
    const { call, result, turn } = known;
    return createPair(turn, call.providerCallId ?? call.callId, call.name, call.arguments, result.output);
  }
  if (isHosted(item.type)) return item;
  switch (item.type) {
    case "mcp_list_tools":
    case "mcp_approval_response":
      return undefined;
    case "mcp_approval_request":
      return renderOpenRequest(item, conversation);
    case "mcp_call": {
      const name = toMcpFunctionName(item.server_label, item.name);
      const said = item.output ?? (item.error == null ? RESULT_NOT_KEPT : JSON.stringify(item.error));
      return createPair(item.id, deriveCallId(item.id), name, item.arguments, said);
    }
    case "web_search_call":
      return createPair(
        item.id ?? "",
        deriveCallId(item.id),
        "web_search",
        JSON.stringify(item.action ?? {}),
        RESULT_NOT_KEPT,
      );
    case "file_search_call": {
      const json = JSON.stringify({ queries: item.queries });
      return createPair(
        item.id,
        deriveCallId(item.id),
        "file_search",
        json,
        JSON.stringify(item.results ?? RESULT_NOT_KEPT),
      );
    }
    case "code_interpreter_call": {
      const json = JSON.stringify({ code: item.code });
      return createPair(item.id, deriveCallId(item.id), "python", json, renderCodeOutput(item.outputs));
    }
    case "image_generation_call": {
      const json = JSON.stringify({ prompt: item.revised_prompt ?? "" });
      return createPair(item.id, deriveCallId(item.id), "generate_image", json, "The image was shown to the user.");
    }
    default:
      return item;
  }
}

/** Of a call that the client sent, or that stands in a conversation: its result was not kept with the item. */
const RESULT_NOT_KEPT = "The result is not available any more.";

type CodeOutputs = Extract<ContextItem, { type: "code_interpreter_call" }>["outputs"];

/** Images are told of, not written out as text, all their base64. */
function renderCodeOutput(outputs: CodeOutputs): string {
  if (outputs === null) return RESULT_NOT_KEPT;
  return outputs.map((each) => (each.type === "logs" ? each.logs : "[An image was shown to the user.]\n")).join("");
}

/** The model is told of a request that its call does not follow: nobody answered, it was refused, or its run was cut off. */
function renderOpenRequest(
  item: Extract<ContextItem, { type: "mcp_approval_request" }>,
  items: readonly ContextItem[],
): CallPair | undefined {
  if (items.some((each) => each.type === "mcp_call" && each.approval_request_id === item.id)) return undefined;
  // The last word counts.
  const answer = items.findLast((each) => isAnswer(each) && each.approval_request_id === item.id);
  const name = toMcpFunctionName(item.server_label, item.name);
  return createPair(item.id, deriveCallId(item.id), name, item.arguments, describeApproval(answer));
}

type ApprovalResponse = Extract<ContextItem, { type: "mcp_approval_response" }>;

function isAnswer(item: ContextItem): item is ApprovalResponse {
  return item.type === "mcp_approval_response";
}

function describeApproval(answer: ContextItem | undefined): string {
  if (answer === undefined || !isAnswer(answer)) return "The user has not approved this call.";
  if (answer.approve) return "The user approved this call, but it was not made.";
  return `The user refused this call${answer.reason ? `: ${answer.reason}` : "."}`;
}

function createPair(
  turn: string,
  call_id: string,
  name: string,
  json: string,
  output: CallOutput["output"] | null | undefined,
): CallPair {
  return {
    turn,
    call: { type: "function_call", call_id, name, arguments: json },
    output: { type: "function_call_output", call_id, output: output ?? "" },
  };
}

/** For items whose call id is not known: call ids have at most 64 characters, and the same item keeps the same. */
function deriveCallId(itemId: string | null | undefined): string {
  return `call_${(itemId ?? "").slice(-24)}`;
}
