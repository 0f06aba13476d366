/** Files and uploads for the rows of endpoints: forms, and the causes of their errors. */
import { request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import type { EndpointRow } from "./rows.ts";

/** JSON, because every answer of a row is read as JSON. */
export const CONTENT = '{"a":1}';

export function takesForm({ endpoint }: EndpointRow): boolean {
  return endpoint.body?.type === "multipart/form-data";
}

/** A form of the fields, with a file unless they have one. */
export function toForm(row: EndpointRow, fields: object, content = CONTENT): FormData {
  const form = new FormData();
  const fileField = row.path.endsWith("/parts") ? "data" : "file";
  for (const [name, value] of Object.entries({ ...fields, [fileField]: undefined }) as [string, unknown][]) {
    if (typeof value === "string") form.set(name, value);
    if (typeof value !== "object" || value === null) continue;
    for (const [child, each] of Object.entries(value)) form.set(`${name}[${child}]`, String(each));
  }
  form.set(fileField, new Blob([content]), "a.json");
  return form;
}

export interface PendingUpload {
  /** The answer, as soon as there is one. */
  answer: Promise<{ status: number; headers: Headers; body: Record<string, unknown> }>;
  cut: () => void;
}

/** A request that announces `length` bytes, and sends none of them. */
export function announceUpload(url: string, authorization: string, length: number): PendingUpload {
  const headers = { authorization, "content-type": "multipart/form-data; boundary=edge", "content-length": length };
  const request = httpRequest(url, { method: "POST", headers });
  request.flushHeaders();
  const { promise, resolve, reject } = Promise.withResolvers<Awaited<PendingUpload["answer"]>>();
  request.on("error", reject).on("response", (response) => {
    const shown = new Headers(Object.entries(response.headers).map(([name, value]) => [name, String(value)]));
    void text(response).then((body) => {
      resolve({ status: response.statusCode!, headers: shown, body: JSON.parse(body) as Record<string, unknown> });
      request.destroy();
    }, reject);
  });
  promise.catch(() => {});
  return { answer: promise, cut: () => request.destroy() };
}
