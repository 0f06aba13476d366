/** Calls and images while they are written. */
import type { OutputItem } from "../../../src/protocol/item.ts";
import { deriveItemId, type OutputPosition } from "../derive-item-id.ts";
import {
  createAddedEvent,
  createDoneEvent,
  type EndStatus,
  type ItemEventSequence,
  type OpenItem,
} from "./open-item.ts";
import { type CalledTool, unwrapCustomInput } from "./convert-tools.ts";

/** A function call, or a custom tool call, whose input is known once the JSON object around it is complete. */
export class OpenCall implements OpenItem {
  readonly #index: number;
  readonly #tool: CalledTool;
  readonly #call;
  #json = "";

  constructor(position: OutputPosition, tool: CalledTool, callId: string) {
    this.#index = position.output_index;
    this.#tool = tool;
    const { name, namespace } = tool;
    const id = deriveItemId(tool.type === "custom" ? "ctc" : "fc", position);
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

  /** Adds the SDK's final arguments, for a call whose arguments were not streamed. */
  *complete(json: string): ItemEventSequence {
    // Many models write no arguments for a function without parameters, but clients parse them.
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

  #item(input: string, status: EndStatus | "in_progress"): OutputItem {
    return this.#tool.type === "custom"
      ? { type: "custom_tool_call", ...this.#call, input, status }
      : { type: "function_call", ...this.#call, arguments: input, status };
  }
}

/** An image, which arrives as a whole. */
export class OpenImage implements OpenItem {
  readonly #index: number;
  readonly #image;

  constructor(position: OutputPosition, data: string | Uint8Array) {
    this.#index = position.output_index;
    const base64 = typeof data === "string" ? data : Buffer.from(data).toString("base64");
    this.#image = { type: "image_generation_call" as const, id: deriveItemId("ig", position), result: base64 };
  }

  *open(): ItemEventSequence {
    yield createAddedEvent(this.#index, { ...this.#image, status: "in_progress", result: null });
  }

  *close(): ItemEventSequence {
    yield createDoneEvent(this.#index, { ...this.#image, status: "completed" });
  }
}
