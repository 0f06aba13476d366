/** The approvals of MCP calls that a request gives: the responses that asked for them stop waiting (contract.md#pending-approvals). */
import type { ResolvedRequest } from "../../protocol/create-request.ts";
import { encodeApprovals } from "../../store/lists/response-list.ts";
import type { NewRecord } from "../../store/response-record.ts";
import type { ResponseContext } from "../storage.ts";

/** The approval requests that the input answers, encoded. The latest come first: only so many are tracked. */
export function findAnsweredApprovals(input: ResolvedRequest["input"]): string {
  if (!Array.isArray(input)) return "";
  const answered = input.flatMap((item) => (item.type === "mcp_approval_response" ? [item.approval_request_id] : []));
  return encodeApprovals(answered.toReversed());
}

/** Call when the request is accepted. The end of its response repeats this step. */
export async function answerApprovals(
  { storage, logger }: ResponseContext,
  { id, project, answers }: Pick<NewRecord, "id" | "project" | "answers">,
): Promise<void> {
  if (answers === undefined || answers === "") return;
  try {
    await storage.responseList.answerApprovals(project, answers);
  } catch (err) {
    logger.warn({ err, responseId: id }, "Accepted, but the approvals it answers are listed until it ends");
  }
}
