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

  interface Result {
    "2xx": number;
    /** In whole milliseconds. */
    latency: { p50: number; p99: number };
  }

  export default function autocannon(options: Options): Promise<Result>;
}
