/** Replaces a tool choice that a vendor ignores or rejects by the nearest one that it supports. */
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

/** Whether the vendor rejects thinking together with this tool choice. */
export function forbidsThinking({ toolChoice }: ToolSelection, traits: VendorTraits): boolean {
  const isForced = toolChoice?.type === "required" || toolChoice?.type === "tool";
  return isForced && traits.forced_call_thinking === "switched_off";
}
