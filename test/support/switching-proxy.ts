/**
 * An address that leads to one server, and to another from the moment a test chooses, like a DNS name after a failover.
 */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface SwitchingProxy extends AsyncDisposable {
  readonly url: string;
  /** The target of new connections. Open ones stay where they are. */
  port: number;
}

export async function startSwitchingProxy(port: number): Promise<SwitchingProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target.port, "127.0.0.1");
    for (const [from, to] of [[near, far] as const, [far, near] as const]) {
      sockets.add(from);
      from.pipe(to);
      from.on("error", () => from.destroy()).on("close", () => (sockets.delete(from), to.destroy()));
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const target = {
    port,
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, "close");
    },
  };
  return target;
}
