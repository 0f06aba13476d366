/** How a model sees images that this server did not generate, or whose journal is gone. */
import type { ToolItems } from "../tool-items.ts";

export const IMAGE_FUNCTION = "generate_image";

export const imageGenerationItems: ToolItems = {
  callTypes: ["image_generation_call"],
  render: (item) => {
    if (item.type !== "image_generation_call") return undefined;
    const json = JSON.stringify({ prompt: item.revised_prompt ?? "" });
    return { kind: "call", name: IMAGE_FUNCTION, arguments: json, output: "The image was shown to the user." };
  },
};
