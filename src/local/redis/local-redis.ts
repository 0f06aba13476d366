export interface LocalRedis extends AsyncDisposable {
  readonly url: string;
  readonly how: "configured" | "private" | "docker";
  readonly pid?: number;
  /** Resolves with the reason when a private server has ended. */
  readonly exited?: Promise<string>;
}
