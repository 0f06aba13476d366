/** By the value of `type`: every one, and no other. */
type OfKind<T, K> = T extends { type?: infer Kind } ? (K extends Kind ? T : never) : never;
export type Kinds<T extends { type?: string | null }> = { [K in NonNullable<T["type"]>]: OfKind<T, K>[] };
