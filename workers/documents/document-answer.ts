/** Parses what a document's process answers, and makes the document of it. */
import { z } from "zod";
import { type Document, DOCUMENT_FAILURES, DOCUMENT_KINDS, DocumentError } from "./document.ts";
import { MAX_HEADING_LENGTH, MAX_HEADINGS } from "./document-limits.ts";

const positionSchema = z.int().min(0);
const shortText = z.string().max(4_096).optional();
const answerSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("ready") }),
  z.object({
    type: z.literal("failed"),
    code: z.enum(DOCUMENT_FAILURES),
    message: z.string().max(1_000),
    cause: shortText,
  }),
  z.object({
    type: z.literal("document"),
    document: z.object({
      kind: z.enum(DOCUMENT_KINDS),
      title: shortText,
      pageStarts: z.array(positionSchema).optional(),
      pageCount: positionSchema.optional(),
      headings: z
        .array(
          z.object({ level: z.int().min(1).max(6), text: z.string().max(MAX_HEADING_LENGTH), start: positionSchema }),
        )
        .max(MAX_HEADINGS),
      isTruncated: z.boolean(),
      html: z
        .object({
          published: shortText,
          refresh: shortText,
          canonical: shortText,
          isMadeByScripts: z.boolean().optional(),
        })
        .optional(),
    }),
  }),
]);
export type Answer = z.infer<typeof answerSchema>;

/** Throws a ZodError. */
export function parseAnswer(head: unknown): Answer {
  return answerSchema.parse(head);
}

/** Throws a DocumentError if the answer is a failure. */
export function toDocument(answer: Answer, text: string): Document {
  if (answer.type === "failed")
    throw new DocumentError(answer.code, answer.message, answer.cause === undefined ? {} : { cause: answer.cause });
  if (answer.type === "ready") throw new DocumentError("unavailable", "Documents cannot be read right now.");
  const { pageStarts, title, pageCount, html, ...document } = answer.document;
  const pages = pageStarts?.map((start, i) => ({ number: i + 1, start, end: pageStarts[i + 1] ?? text.length }));
  return { ...document, title, pageCount, html, text, pages };
}
