/** Where workers are stopped: in the middle of which kind of item. */
import type { Condition } from "../support/condition.ts";
import { simulate } from "../support/api-client.ts";
import { startPrefixVendor } from "../support/prefix-vendor.ts";
import { argumentsFor, PAY, StoppingVendor } from "../support/stopping-vendor.ts";
import type { FollowedResponse } from "./followed-response.ts";

export interface Scenario extends AsyncDisposable {
  name: string;
  /** In the form of a providers file. */
  providers: Record<string, object>;
  /** The request of the response with that number. All differ. */
  request: (number: number) => Record<string, unknown>;
  /** The calls of that response's model, as `<name> <arguments>`. */
  calls: (number: number) => readonly string[];
  isInTheMiddle: (response: FollowedResponse) => boolean;
  /** No more workers are stopped: everything that waits for a stop continues. */
  release: () => void;
}

/** Notified when a response may be in its middle. */
export type OpenScenario = (condition: Condition) => Promise<Scenario>;

const payeeOf = (number: number): string => `payee-${number}`;
const PAY_TOOL = {
  type: "function",
  name: PAY,
  parameters: { type: "object", properties: { payee: { type: "string" }, amount: { type: "number" } } },
};
/** A call is cut off up to this many times before it completes. */
const STOPS_MAXIMUM = 3;

/** A vendor of chat completions sends half of a call's arguments, and the rest only after the worker is gone. */
export const openCalls: OpenScenario = async (condition) => {
  const stopsOf = (payee: string): number => 1 + (Number(payee.split("-")[1]) % STOPS_MAXIMUM);
  const vendor = await StoppingVendor.start({ stopsOf, condition });
  return {
    name: "calls",
    providers: { stopping: { kind: "openai-compatible", base_url: vendor.url } },
    request: (number) => ({ model: "stopping/any", input: payeeOf(number), tools: [PAY_TOOL], background: true }),
    calls: (number) => [`${PAY} ${argumentsFor(payeeOf(number))}`],
    isInTheMiddle: ({ number }) => vendor.isHeld(payeeOf(number)),
    release: () => vendor.finishStreams(),
    [Symbol.asyncDispose]: async () => await vendor[Symbol.asyncDispose](),
  };
};

/** Part of a message has arrived, and the rest takes longer than a draining worker waits. */
const isInMessage =
  (deltasMaximum: number): Scenario["isInTheMiddle"] =>
  ({ openDeltas }) =>
    openDeltas > 0 && openDeltas <= deltasMaximum;

/** The simulator writes a message of two seconds, so that it is cut off more than once. */
export const openMessages: OpenScenario = () =>
  Promise.resolve({
    name: "messages",
    providers: {},
    request: (seed) => simulate({ tokens: 130, delay_ms: 15, seed }),
    calls: () => [],
    isInTheMiddle: isInMessage(80),
    release: () => undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });

/** A vendor that continues a text writes a message as long. */
export const openPrefixedMessages: OpenScenario = async () => {
  const vendor = await startPrefixVendor({ delayMs: 4 });
  return {
    name: "messages of a vendor that continues them",
    providers: { prefix: { kind: "openai-compatible", base_url: vendor.url, continuation: "prefix" } },
    request: (number) => ({ model: vendor.model, input: `Question ${number}`, background: true }),
    calls: () => [],
    isInTheMiddle: isInMessage(350),
    release: () => undefined,
    [Symbol.asyncDispose]: async () => await vendor[Symbol.asyncDispose](),
  };
};
