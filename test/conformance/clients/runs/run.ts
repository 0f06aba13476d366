/** A run of a client as its users write it: a question, text shown as it arrives, and a tool of the client. */
import { z } from "zod";
import { PAY, type Payment } from "../../../support/stopping-vendor.ts";

export interface ClientRun {
  /** Ends with `/v1`. */
  url: string;
  model: string;
  question: string;
  metadata: Record<string, string>;
  onText: (delta: string) => void;
  /** The client's tool. Its result goes to the model. */
  pay: (payment: Payment) => string;
}

/** As the client itself has it. */
export interface ClientAnswer {
  /** The text of the last response. */
  text: string;
  /** Of the first response. */
  responseId: string;
}

/** Streams, executes the calls it sees, sends their results back, and streams again until an answer. */
export type RunClient = (run: ClientRun) => Promise<ClientAnswer>;

export const PAY_SCHEMA = z.object({ payee: z.string(), amount: z.number() });
export const PAY_TOOL = { name: PAY, description: "Pays an amount to a payee." };
