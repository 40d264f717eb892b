// A cable between a node and Redis, to be cut.

import { connect, createServer, type Socket } from "node:net";

export interface Cable {
  readonly url: string;
  /** Nothing gets through any more; the ends are not told. */
  cut(): void;
  /** What is asked arrives, what is answered does not. */
  deafen(): void;
  heal(): void;
  /** It leads to another server from now on; who was connected must connect again. */
  lead(port: number): void;
  close(): void;
}

export function startProxy(first: number): Promise<Cable> {
  let port = first;
  const sockets = new Set<Socket>();
  let isCut = false;
  let isDeaf = false;
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const each of [near, far]) {
      sockets.add(each);
      each.on("error", () => {});
      each.once("close", () => {
        sockets.delete(each);
        (each === near ? far : near).destroy();
      });
    }
    near.on("data", (data) => isCut || far.write(data));
    far.on("data", (data) => isCut || isDeaf || near.write(data));
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port: own } = server.address() as { port: number };
      const end = () => {
        for (const each of sockets) each.destroy();
      };
      resolve({
        url: `redis://127.0.0.1:${own}`,
        cut: () => {
          isCut = true;
        },
        deafen: () => {
          isDeaf = true;
        },
        heal() {
          isCut = false;
          isDeaf = false;
          // What got lost on the way is lost: the connections are of no use any more.
          end();
        },
        lead(to) {
          port = to;
          end();
        },
        close() {
          end();
          server.close();
        },
      });
    });
  });
}
