/**
 * Owns: the way out of one sandbox: an HTTP proxy on the host's side, which lets through what is granted
 * and notes what was asked for. What speaks to it is hostile; Node.js reads HTTP.
 * Does not own: how connections come out of a sandbox (streams.ts, door.ts), who may reach what (reach.ts).
 */
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import { connect, type Socket } from "node:net";
import { type Duplex, pipeline } from "node:stream";
import type { Reached } from "../actor/outcome.ts";
import type { SandboxLimits } from "../actor/walls.ts";
import type { Cut } from "./collect.ts";
import { Metered } from "./metered.ts";
import { endToEnd, parseTarget, type Target } from "./proxy-target.ts";
import { NotPublic, publicLookup, Reach, type Resolve, systemResolve } from "./reach.ts";

/** Connections at a time; the guest's own limit is the same. */
export const CONNECTIONS_MAX = 32;
/** Of one call, from inside of the sandbox; more end it. */
const OPENED_MAX = 1_000;
/** Of one call; more end it. */
const REQUESTS_MAX = 10_000;
const ROWS_MAX = 64;
const HEAD_MAX = 16_384;
/** To resolve a name and connect to it. @unit ms */
const CONNECT_MS = 10_000;
/** Without a byte, either way. @unit ms */
const IDLE_MS = 60_000;

/** Where HTTP clients inside of a sandbox look for their proxy. */
export const PROXY_PORT = 3128;
const PROXY = `http://127.0.0.1:${PROXY_PORT}`;
const NAMES = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"];
/** What granted hosts add to the environment of a command. */
export const PROXY_ENV: Readonly<Record<string, string>> = {
  ...Object.fromEntries(NAMES.map((name) => [name, PROXY])),
  NODE_USE_ENV_PROXY: "1",
};

type Row = { -readonly [key in keyof Reached]: Reached[key] };

/** It was not let through, with what it is told. */
class Refused extends Error {
  readonly status: number;

  constructor(status: number, why: string) {
    super(why);
    this.status = status;
  }
}

/** What a connection that failed is told. */
function told(thrown: unknown): Refused {
  if (thrown instanceof Refused) return thrown;
  return new Refused(502, (thrown as NodeJS.ErrnoException).code ?? "no connection");
}

export class Outlet {
  readonly server: Server;
  readonly #reach: Reach;
  readonly #resolve: Resolve;
  readonly #over: (cut: Cut) => void;
  readonly #rows = new Map<string, Row>();
  readonly #open = new Set<Duplex>();
  #opened = 0;
  #requests = 0;
  #dialled = 0;
  #left: number;

  /** @param over told once or more that the call has to end */
  constructor(
    hosts: readonly string[],
    trafficBytes: number,
    over: (cut: Cut) => void,
    resolve: Resolve = systemResolve,
  ) {
    this.#reach = new Reach(hosts);
    this.#resolve = resolve;
    this.#left = trafficBytes;
    this.#over = over;
    const options = { maxHeaderSize: HEAD_MAX, requestTimeout: 0, headersTimeout: 0 };
    this.server = createServer(options, (req, res) => void this.#plain(req, res));
    this.server.on("connection", (guest: Socket) => {
      this.#keep(guest);
      if (++this.#opened > OPENED_MAX) this.#flood(`more than ${OPENED_MAX} connections`);
    });
    this.server.on("connect", (req, guest, head) => void this.#tunnel(req, guest, head));
    this.server.on("clientError", ({ code }: NodeJS.ErrnoException, guest) => {
      const long = code === "HPE_HEADER_OVERFLOW";
      if (guest.writable)
        refuse(guest, long ? 431 : 400, long ? "the head is too long" : "no HTTP");
      else guest.destroy();
    });
  }

  /** A connection has come out of the sandbox. */
  admit(guest: Duplex): void {
    this.server.emit("connection", guest);
  }

  /** What was asked for so far. */
  get rows(): readonly Reached[] {
    return [...this.#rows.values()].map((row) => ({ ...row }));
  }

  /** Closes everything. */
  close(): void {
    this.#left = 0;
    for (const each of this.#open) each.destroy();
    this.server.close();
  }

  #keep(stream: Duplex): void {
    this.#open.add(stream);
    stream.on("error", () => {}); // whoever uses it hears of its end
    stream.once("close", () => this.#open.delete(stream));
  }

  /** `CONNECT host:port`: bytes, as they are. */
  async #tunnel(req: IncomingMessage, guest: Duplex, head: Buffer): Promise<void> {
    try {
      const far = await this.#dial(this.#target(req, true));
      if (guest.destroyed) return void far.destroy();
      guest.write("HTTP/1.1 200 Connection established\r\n\r\n");
      if (head.length > 0) far.write(head);
      pipeline(guest, far, guest, () => {});
    } catch (thrown) {
      const { status, message } = told(thrown);
      const lines = [
        `HTTP/1.1 ${status} ${message}`,
        "Content-Type: text/plain",
        "Connection: close",
      ];
      const body = `${message}\n`;
      guest.end(`${lines.join("\r\n")}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    }
  }

  /** `GET http://host:port/path`: one request, to the host that its line names. */
  async #plain(req: IncomingMessage, res: ServerResponse): Promise<void> {
    let far: Duplex | null = null;
    const failed = (thrown: unknown) => {
      far?.destroy();
      answer(res, told(thrown));
    };
    try {
      const target = this.#target(req, false);
      const { path } = target;
      const headers = endToEnd(req.rawHeaders, target.authority);
      const dialled = await this.#dial(target);
      far = dialled;
      if (res.destroyed) return void far.destroy();
      const out = request({ createConnection: () => dialled, method: req.method, path, headers });
      res.once("close", () => out.destroy());
      out.on("error", failed);
      out.once("upgrade", () => failed(new Refused(502, "it switches protocols: use CONNECT")));
      out.once("response", (said) => {
        try {
          // Without its reason, which may hold what no answer may.
          res.writeHead(said.statusCode ?? 502, endToEnd(said.rawHeaders));
        } catch (thrown) {
          return failed(thrown);
        }
        pipeline(said, res, () => {});
      });
      pipeline(req, out, () => {});
    } catch (thrown) {
      failed(thrown);
    }
  }

  /** @throws Refused */
  #target({ url }: IncomingMessage, tunnel: boolean): Target {
    if (++this.#requests > REQUESTS_MAX) this.#flood(`more than ${REQUESTS_MAX} requests`);
    const target = parseTarget(url, tunnel);
    if (target !== null) return target;
    throw new Refused(400, "use CONNECT host:port or http://host/");
  }

  /** @throws Refused Error */
  async #dial(target: Target): Promise<Duplex> {
    const { host, port } = target;
    const refusal = this.#reach.refusal(host, port);
    if (refusal !== null) throw this.#refused(target, refusal);
    if (this.#dialled >= CONNECTIONS_MAX) throw new Refused(503, "too many connections at a time");
    this.#dialled++;
    const socket = connect({
      host,
      port,
      lookup: publicLookup(this.#resolve),
      allowHalfOpen: true,
    });
    this.#keep(socket);
    socket.once("close", () => this.#dialled--);
    try {
      await connected(socket);
    } catch (thrown) {
      socket.destroy();
      if (thrown instanceof NotPublic) throw this.#refused(target, thrown.message);
      this.#row(target, null).connections++;
      throw thrown;
    }
    const row = this.#row(target, null);
    row.connections++;
    const far = new Metered(socket, IDLE_MS, (way, bytes) => this.#count(row, way, bytes));
    this.#keep(far);
    return far;
  }

  #count(row: Row, way: "bytesIn" | "bytesOut", bytes: number): boolean {
    if (bytes > this.#left) {
      this.#left = 0;
      this.#flood("more bytes to and from its hosts than it may");
      return false;
    }
    this.#left -= bytes;
    row[way] += bytes;
    return true;
  }

  #flood(what: string): void {
    this.#over({ tag: "killed", limit: "traffic", why: `it made ${what}` });
  }

  #refused(target: Target, why: string): Refused {
    this.#row(target, why).connections++;
    return new Refused(403, `${target.host}:${target.port} is refused: ${why}`);
  }

  #row({ host, port }: Target, refused: string | null): Row {
    const name = `${host.includes(":") ? `[${host}]` : host}:${port}`;
    const known = this.#rows.size < ROWS_MAX || this.#rows.has(`${name} ${refused}`);
    const to = known ? name : "others";
    const key = `${to} ${known ? refused : refused !== null}`;
    const row = this.#rows.get(key) ?? { to, refused, connections: 0, bytesIn: 0, bytesOut: 0 };
    this.#rows.set(key, row);
    return row;
  }
}

/** The way out that a call was granted, if it was. */
export function outletOf(
  { network, trafficBytes }: SandboxLimits,
  over: (cut: Cut) => void,
): Outlet | null {
  return network === "none" ? null : new Outlet(network, trafficBytes, over);
}

function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = () =>
      reject(Object.assign(new Error("no connection in time"), { code: "ETIMEDOUT" }));
    const timer = setTimeout(late, CONNECT_MS);
    const settle = (then: () => void) => {
      clearTimeout(timer);
      then();
    };
    socket.once("connect", () => settle(resolve));
    socket.once("error", (error) => settle(() => reject(error)));
    socket.once("close", () => settle(() => reject(new Error("closed"))));
  });
}

/** Where there is no request that could be answered. */
function refuse(guest: Duplex, status: number, why: string): void {
  const body = `${why}\n`;
  const head = `Content-Type: text/plain\r\nConnection: close\r\nContent-Length: ${body.length}`;
  guest.end(`HTTP/1.1 ${status} ${why}\r\n${head}\r\n\r\n${body}`);
  guest.resume();
}

function answer(res: ServerResponse, { status, message }: Refused): void {
  if (res.headersSent) return void res.destroy();
  res.writeHead(status, message, { "Content-Type": "text/plain", Connection: "close" });
  res.end(`${message}\n`);
}
