/** The result of one check. */
export interface Finding {
  /** `warning`: it works, with a limit that the operator should know. `error`: it does not. */
  level: "ok" | "warning" | "error";
  subject: string;
  /** What was found. */
  message: string;
  /** What to do. */
  remedy?: string;
}

export const ok = (subject: string, message: string): Finding => ({ level: "ok", subject, message });

export function warning(subject: string, message: string, remedy: string): Finding {
  return { level: "warning", subject, message, remedy };
}

export function problem(subject: string, message: string, remedy?: string): Finding {
  return { level: "error", subject, message, ...(remedy !== undefined && { remedy }) };
}

export const messageOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.message === "fetch failed" ? messageOf(error.cause) : error.message;
};
