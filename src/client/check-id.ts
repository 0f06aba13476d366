/** Without an id, the address of a response is that of the list of all responses. */
export function checkId(id: string): void {
  if (id === "") throw new TypeError("The id of the response is empty.");
}
