/** A TCP connection between two servers that can be cut between any two bytes. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface CuttingProxy extends AsyncDisposable {
  /** The target's address, through the proxy. */
  url: string;
  /** The target of new connections. */
  target: string;
  /** Destroys every open connection. */
  cut(): void;
  /** Leaves every open connection half-open: nothing passes, and no side sees it close. */
  freeze(): void;
  /** From now on each connection breaks after this many bytes of answers. */
  cutAfter: (() => number) | undefined;
  /** Forwards requests to the target, and no answer. */
  isSilent: boolean;
  /** Breaks every new connection at once. */
  isAway: boolean;
  /** The number of connections cut. */
  cuts: number;
}

export async function startCuttingProxy(target: string): Promise<CuttingProxy> {
  const pairs = new Set<() => void>();
  let frozen = 0;
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const { hostname, port } = new URL(proxy.target);
    const far = connect(Number(port), hostname);
    let left = proxy.cutAfter?.() ?? Number.POSITIVE_INFINITY;
    const destroy = () => {
      if (!pairs.delete(destroy)) return;
      near.destroy();
      far.destroy();
    };
    pairs.add(destroy);
    const born = frozen;
    near.on("data", (chunk: Buffer) => {
      if (born === frozen) far.write(chunk);
    });
    near.on("end", () => {
      if (born === frozen) far.end();
    });
    far.on("data", (chunk: Buffer) => {
      if (proxy.isSilent || born !== frozen) return;
      near.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left > 0) return;
      proxy.cuts += 1;
      // Earlier writes still arrive.
      near.end(destroy);
    });
    const over = (socket: Socket) => socket.on("close", destroy).on("error", destroy);
    over(near);
    over(far);
    if (proxy.isAway) destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const proxy: CuttingProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${new URL(target).pathname}`,
    target,
    cutAfter: undefined,
    isSilent: false,
    isAway: false,
    cuts: 0,
    freeze() {
      frozen += 1;
    },
    cut() {
      proxy.cuts += pairs.size;
      for (const destroy of pairs) destroy();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      proxy.cut();
      await once(server, "close");
    },
  };
  return proxy;
}
