/** The error envelope every refusal has on the wire (contract 03 §3.3). */
export interface ErrorEnvelope {
  error: { message: string; type: string; param: string | null; code: string | null };
}
