/** In the middle of which things workers are taken away. */
import type { Condition } from "../support/condition.ts";
import { simulate } from "../support/api-client.ts";
import { startPrefixVendor } from "../support/prefix-vendor.ts";
import { argumentsFor, PAY, StoppingVendor } from "../support/stopping-vendor.ts";
import type { FollowedResponse } from "./followed-response.ts";

export interface Scenario extends AsyncDisposable {
  name: string;
  /** As a settings file of vendors has them. */
  providers: Record<string, object>;
  /** The request of the response of that number. No two are alike. */
  request: (number: number) => Record<string, unknown>;
  /** The calls that the model of that response asks for, as `<name> <arguments>`. */
  calls: (number: number) => readonly string[];
  isInTheMiddle: (response: FollowedResponse) => boolean;
  /** No worker is taken away any more: what waits for that goes on. */
  release: () => void;
}

/** Is notified when a response may have come into its middle. */
export type OpenScenario = (condition: Condition) => Promise<Scenario>;

const payeeOf = (number: number): string => `payee-${number}`;
const PAY_TOOL = {
  type: "function",
  name: PAY,
  parameters: { type: "object", properties: { payee: { type: "string" }, amount: { type: "number" } } },
};
/** A call is cut off up to so many times before it may be whole. */
const STOPS_MAXIMUM = 3;

/** A vendor of chat completions has sent half of a call's arguments, and sends no more until the worker is gone. */
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

/** Some of a message has come, and there is much more to come than a worker that leaves has time for. */
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

/** A vendor that continues what it is given writes one, as long. */
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
