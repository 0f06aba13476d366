/** What a request asks of a model makes no sense there. It ends the run with the code `invalid_prompt`. */
export class InvalidPromptError extends Error {
  override readonly name = "InvalidPromptError";
}
