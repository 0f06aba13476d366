/** A TCP connection to a distant server: every byte is delayed in each direction. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface DelayingProxy extends AsyncDisposable {
  /** The target's address, through the proxy. */
  url: string;
}

export async function startDelayingProxy(target: string, roundTripMs: number): Promise<DelayingProxy> {
  const { protocol, hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      sockets.add(from);
      // Timers of equal duration fire in order.
      from.on("data", (chunk: Buffer) => setTimeout(() => to.write(chunk), roundTripMs / 2));
      from.on("error", () => from.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `${protocol}//127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
}
