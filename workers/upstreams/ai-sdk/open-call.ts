/** A call, or a picture, while it is written. */
import type { OutputItem } from "../../../src/protocol/item.ts";
import { deriveItemId } from "../derive-item-id.ts";
import {
  createAddedEvent,
  createDoneEvent,
  type EndStatus,
  type ItemEventSequence,
  type OpenItem,
  type OutputPosition,
} from "./open-item.ts";
import { type CalledTool, unwrapCustomInput } from "./toolbox.ts";

/** A call of a function, or of a custom tool, whose input is known once the object around it is whole. */
export class OpenCall implements OpenItem {
  readonly #index: number;
  readonly #tool: CalledTool;
  readonly #call;
  #json = "";

  constructor(place: OutputPosition, tool: CalledTool, callId: string) {
    this.#index = place.output_index;
    this.#tool = tool;
    const { name, namespace } = tool;
    const id = deriveItemId(tool.type === "custom" ? "ctc" : "fc", place);
    this.#call = { id, call_id: callId, name, ...(namespace !== undefined && { namespace }) };
  }

  *open(): ItemEventSequence {
    yield createAddedEvent(this.#index, this.#item("", "in_progress"));
  }

  *addArguments(delta: string): ItemEventSequence {
    this.#json += delta;
    if (this.#tool.type === "custom" || delta === "") return;
    yield { type: "response.function_call_arguments.delta", ...this.#at, delta };
  }

  /** The arguments as the SDK has them in the end: for a call that it did not stream. */
  *complete(json: string): ItemEventSequence {
    // Many models write nothing at all where a function needs nothing; clients parse what they are told.
    const isNothing = this.#tool.type === "function" && `${this.#json}${json}`.trim() === "";
    if (isNothing || this.#json === "") yield* this.addArguments(isNothing ? "{}" : json);
  }

  *close(status: EndStatus): ItemEventSequence {
    if (this.#tool.type === "custom") {
      const input = unwrapCustomInput(this.#json);
      if (input !== "") yield { type: "response.custom_tool_call_input.delta", ...this.#at, delta: input };
      yield { type: "response.custom_tool_call_input.done", ...this.#at, input };
      yield createDoneEvent(this.#index, this.#item(input, status));
      return;
    }
    yield { type: "response.function_call_arguments.done", ...this.#at, arguments: this.#json };
    yield createDoneEvent(this.#index, this.#item(this.#json, status));
  }

  get #at() {
    return { item_id: this.#call.id, output_index: this.#index };
  }

  #item(told: string, status: EndStatus | "in_progress"): OutputItem {
    return this.#tool.type === "custom"
      ? { type: "custom_tool_call", ...this.#call, input: told, status }
      : { type: "function_call", ...this.#call, arguments: told, status };
  }
}

/** A picture that came whole. */
export class OpenImage implements OpenItem {
  readonly #index: number;
  readonly #image;

  constructor(place: OutputPosition, data: string | Uint8Array) {
    this.#index = place.output_index;
    const base64 = typeof data === "string" ? data : Buffer.from(data).toString("base64");
    this.#image = { type: "image_generation_call" as const, id: deriveItemId("ig", place), result: base64 };
  }

  *open(): ItemEventSequence {
    yield createAddedEvent(this.#index, { ...this.#image, status: "in_progress", result: null });
  }

  *close(): ItemEventSequence {
    yield createDoneEvent(this.#index, { ...this.#image, status: "completed" });
  }
}
