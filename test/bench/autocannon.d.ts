/** autocannon brings no types. These are the parts that are used here. */
declare module "autocannon" {
  interface Options {
    url: string;
    method: string;
    headers: Record<string, string>;
    body: string;
    connections: number;
    /** Requests in all. */
    amount: number;
  }

  interface Load extends Promise<{ "2xx": number }> {
    on(
      event: "response",
      listener: (client: unknown, status: number, bytes: number, latencyMs: number) => void,
    ): unknown;
  }

  export default function autocannon(options: Options): Load;
}
