export interface LocalRedis extends AsyncDisposable {
  readonly url: string;
  readonly how: "configured" | "private" | "docker";
  readonly pid?: number;
  /** Settles when a private server has ended, for whatever reason, with how it ended. */
  readonly exited?: Promise<string>;
}
