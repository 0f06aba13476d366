/** No value satisfies the schema, or the simulator found none. The message tells the client why. */
export class UnfillableSchemaError extends Error {
  override readonly name = "UnfillableSchemaError";
}
