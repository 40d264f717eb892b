// A stand-in for Firecracker's API server, and no more than that: it runs no machine. What it accepts,
// refuses and answers is written after the documentation of Firecracker 1.16 (its OpenAPI file, and its pages
// about snapshots and vsock): which fields there are, which must be there, what is allowed before a machine
// is started and what after it.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

type Kind = "string" | "boolean" | "integer" | readonly string[] | Schema;
interface Schema {
  readonly required: readonly string[];
  readonly fields: Readonly<Record<string, Kind>>;
}

const schema = (fields: Schema["fields"], ...required: string[]): Schema => ({ fields, required });

const BACKEND = schema(
  { backend_type: ["File", "Uffd"], backend_path: "string" },
  "backend_type",
  "backend_path",
);
/** By method and path; of each resource the fields that a driver of ours could want. */
const BODIES: Readonly<Record<string, Schema>> = {
  "PUT /machine-config": schema(
    {
      ...{ vcpu_count: "integer", mem_size_mib: "integer", smt: "boolean" },
      ...{ track_dirty_pages: "boolean", huge_pages: ["None", "Transparent", "2M"] },
    },
    ...["vcpu_count", "mem_size_mib"],
  ),
  "PUT /boot-source": schema(
    { kernel_image_path: "string", initrd_path: "string", boot_args: "string" },
    "kernel_image_path",
  ),
  "PUT /drives/*": schema(
    {
      ...{ drive_id: "string", path_on_host: "string", partuuid: "string" },
      ...{ is_root_device: "boolean", is_read_only: "boolean" },
      ...{ cache_type: ["Unsafe", "Writeback"], io_engine: ["Sync", "Async"] },
    },
    ...["drive_id", "is_root_device"],
  ),
  "PUT /vsock": schema(
    { guest_cid: "integer", uds_path: "string", vsock_id: "string" },
    "guest_cid",
    "uds_path",
  ),
  "PUT /entropy": schema({}),
  "PUT /serial": schema({ serial_out_path: "string" }),
  "PUT /logger": schema({ level: "string", log_path: "string" }),
  "PUT /actions": schema(
    { action_type: ["FlushMetrics", "InstanceStart", "SendCtrlAltDel"] },
    "action_type",
  ),
  "PATCH /vm": schema({ state: ["Paused", "Resumed"] }, "state"),
  "PUT /snapshot/create": schema(
    { snapshot_type: ["Full", "Diff"], snapshot_path: "string", mem_file_path: "string" },
    ...["snapshot_path", "mem_file_path"],
  ),
  "PUT /snapshot/load": schema(
    {
      ...{ snapshot_path: "string", mem_file_path: "string", mem_backend: BACKEND },
      ...{ resume_vm: "boolean", track_dirty_pages: "boolean", clock_realtime: "boolean" },
    },
    "snapshot_path",
  ),
};
const AFTER_START = ["PATCH /vm", "PUT /snapshot/create"];

function faultOf(body: unknown, { fields, required }: Schema): string | null {
  if (typeof body !== "object" || body === null) return "invalid type";
  const missing = required.find((name) => !Object.hasOwn(body, name));
  if (missing !== undefined) return `missing field \`${missing}\``;
  for (const [name, value] of Object.entries(body)) {
    const kind = fields[name];
    if (kind === undefined) return `unknown field \`${name}\``;
    if (Array.isArray(kind) && !kind.includes(value)) return `unknown variant \`${value}\``;
    if (kind === "integer" && !Number.isSafeInteger(value)) return `invalid type: ${name}`;
    if ((kind === "string" || kind === "boolean") && typeof value !== kind)
      return `invalid type: ${name}`;
    if (typeof kind === "object" && "required" in kind) {
      const inner = faultOf(value, kind as Schema);
      if (inner !== null) return inner;
    }
  }
  return null;
}

/** A refusal, answered with 400. */
export class Refused extends Error {}

/** What a stand-in does when it is told to. Each may throw {@link Refused}. */
export interface Actions {
  configured?(resource: string, body: Record<string, unknown>): void;
  start?(): Promise<void> | void;
  pause?(): Promise<void> | void;
  resume?(): Promise<void> | void;
  save?(body: Record<string, string>): Promise<void> | void;
  load?(body: Record<string, unknown>): Promise<void> | void;
  /** Told before the answer is sent. */
  exchanged?(exchange: Exchange): void;
}

/** What was asked, and what was answered. */
export interface Exchange {
  readonly request: string;
  readonly body?: unknown;
  readonly status: number;
  readonly answer?: unknown;
}

const BEFORE = "The requested operation is not supported before starting the microVM.";
const AFTER = "The requested operation is not supported after starting the microVM.";

/** Firecracker's API server without a Firecracker. */
export class FirecrackerStandIn {
  readonly #actions: Actions;
  readonly #version: string;
  readonly #server: Server;
  #state: "Not started" | "Running" | "Paused" = "Not started";
  readonly #set = new Set<string>();

  constructor(actions: Actions = {}, version = "1.16.1") {
    this.#actions = actions;
    this.#version = version;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(path, resolve);
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const what = `${request.method} ${request.url}`;
    let status = 204;
    let answer: unknown;
    let body: unknown;
    try {
      if (request.headers["transfer-encoding"] !== undefined) throw new Refused("chunks");
      if (text !== "") body = JSON.parse(text);
      answer = await this.#answer(what, body);
      if (answer !== undefined) status = 200;
    } catch (thrown) {
      status = 400;
      answer = { fault_message: (thrown as Error).message };
    }
    this.#actions.exchanged?.({
      ...{ request: what, status },
      ...(body === undefined ? {} : { body }),
      ...(answer === undefined ? {} : { answer }),
    });
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(answer === undefined ? undefined : JSON.stringify(answer));
  }

  async #answer(what: string, body: unknown): Promise<unknown> {
    if (what === "GET /version") return { firecracker_version: this.#version };
    const known = what.replace(/^(PUT \/drives\/)\w+$/, "$1*");
    const wanted = BODIES[known];
    if (wanted === undefined) throw new Refused(`Invalid request method and/or path: ${what}.`);
    const fault = faultOf(body, wanted);
    const failed = "An error occurred when deserializing the json body of a request";
    if (fault !== null) throw new Refused(`${failed}: ${fault}.`);
    const started = this.#state !== "Not started";
    if (AFTER_START.includes(known) && !started) throw new Refused(BEFORE);
    if (!AFTER_START.includes(known) && started) throw new Refused(AFTER);
    await this.#act(known, what, body as Record<string, unknown>);
    return undefined;
  }

  async #act(known: string, what: string, body: Record<string, unknown>): Promise<void> {
    const actions = this.#actions;
    switch (known) {
      case "PUT /actions":
        if (body.action_type !== "InstanceStart") throw new Refused("no such action here");
        if (!this.#set.has("PUT /boot-source"))
          throw new Refused("Start microvm error: no kernel is configured");
        await actions.start?.();
        this.#state = "Running";
        return;
      case "PATCH /vm":
        this.#state = body.state === "Paused" ? "Paused" : "Running";
        return body.state === "Paused" ? actions.pause?.() : actions.resume?.();
      case "PUT /snapshot/create":
        if (this.#state !== "Paused") throw new Refused("Create snapshot error: it is not paused");
        return actions.save?.(body as Record<string, string>);
      case "PUT /snapshot/load": {
        const both = (body.mem_backend === undefined) === (body.mem_file_path === undefined);
        if (both) throw new Refused("either `mem_backend` or `mem_file_path` is required");
        if (this.#set.size > 0) throw new Refused("Load snapshot error: not after configuring");
        await actions.load?.(body);
        this.#state = body.resume_vm === true ? "Running" : "Paused";
        return;
      }
      default:
        if (known === "PUT /drives/*" && body.drive_id !== what.split("/").at(-1))
          throw new Refused("The id from the path does not match the id from the body!");
        if (known === "PUT /vsock" && (body.guest_cid as number) < 3)
          throw new Refused("Vsock config error: a guest's number is 3 or more");
        actions.configured?.(known, body);
        this.#set.add(known);
    }
  }
}
