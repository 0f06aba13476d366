/** Tools and their choice as a vendor takes them: what it ignores or refuses is said in the nearest way that it obeys. */
import type { LanguageModelV4CallOptions } from "@ai-sdk/provider";
import type { VendorTraits } from "../../../src/providers/vendor-traits.ts";

type ToolSelection = Pick<LanguageModelV4CallOptions, "tools" | "toolChoice">;

export function adaptChoice({ tools, toolChoice }: ToolSelection, traits: VendorTraits): ToolSelection {
  if (tools === undefined || toolChoice === undefined) return tools === undefined ? {} : { tools };
  switch (toolChoice.type) {
    case "none":
      return traits.tool_choice_none === "sent" ? { tools, toolChoice } : {};
    case "auto":
      return { tools, toolChoice };
    case "required":
      return { tools, toolChoice: { type: traits.tool_choice_required === "sent" ? "required" : "auto" } };
    case "tool": {
      if (traits.tool_choice_named === "sent") return { tools, toolChoice };
      const named = tools.filter(({ name }) => name === toolChoice.toolName);
      return adaptChoice({ tools: named, toolChoice: { type: "required" } }, traits);
    }
  }
}

/** Whether the vendor would refuse the choice if the model were to think. */
export function forbidsThinking({ toolChoice }: ToolSelection, traits: VendorTraits): boolean {
  const isForced = toolChoice?.type === "required" || toolChoice?.type === "tool";
  return isForced && traits.forced_call_thinking === "switched_off";
}
