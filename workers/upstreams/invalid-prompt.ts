/** The request asks for something that the model or its provider cannot do. The run ends with `invalid_prompt`. */
export class InvalidPromptError extends Error {
  override readonly name = "InvalidPromptError";
}
