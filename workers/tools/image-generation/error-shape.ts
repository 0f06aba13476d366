/**
 * Converts an image service's error to the shape that the SDK reads. The SDK drops the message of any other shape: a
 * text as `error` (https://github.com/obot-platform/obot/issues/2995), FastAPI's `detail`, or a top-level `message`.
 */
import { withTraceContext } from "../../../src/telemetry/trace-context.ts";

const BODY_CHARACTERS = 64 * 1024;
const MESSAGE_CHARACTERS = 2_000;
const HTTP_ERROR = 400;

type Fields = Readonly<Record<string, unknown>>;

const sendTraced = withTraceContext(fetch);

/** The `fetch` for the SDK. */
export const fetchWithErrors: typeof fetch = async (input, init) => {
  const response = await sendTraced(input, init);
  if (response.status < HTTP_ERROR) return response;
  const { status, statusText, headers } = response;
  const error = readError(await readStart(response));
  const { "content-length": _length, ...rest } = Object.fromEntries(headers);
  return new Response(JSON.stringify({ error }), {
    status,
    statusText,
    headers: { ...rest, "content-type": "application/json" },
  });
};

async function readStart(response: Response): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > BODY_CHARACTERS) break;
  }
  return text;
}

/** Also reads an error with a successful status. */
export function readError(text: string): Fields {
  const body = parseFields(text);
  if (body === undefined) return { message: text.slice(0, MESSAGE_CHARACTERS) };
  const { error, code, detail, message } = body;
  if (isFields(error) && typeof error["message"] === "string") return error;
  const description = [error, detail, message].find((each) => each != null) ?? body;
  const content = typeof description === "string" ? description : JSON.stringify(description);
  // Some services repeat the status as a code.
  const hasCode = typeof code === "string" && !/^\d*$/.test(code);
  return { message: content.slice(0, MESSAGE_CHARACTERS), ...(hasCode && { code }) };
}

function parseFields(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
