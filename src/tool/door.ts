/**
 * Owns: how connections come out of a sandbox that is made of the host's processes: a socket of the host in
 * a folder that its user alone may enter, which the sandbox finds at a path of its own; guest/relay.c inside
 * of it joins connections to it. Does not own: what they may do (outlet.ts).
 */
import { once } from "node:events";
import { chmod, chown, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Jail } from "./jail.ts";
import { CONNECTIONS_MAX, type Outlet } from "./outlet.ts";

/** Where the sandbox finds it; a path without links, because gVisor follows none. */
export const DOOR = "/usr/lib/coppice/door";
/** What a command's shell starts: it returns when it listens. */
export const RELAY = "/usr/lib/coppice/relay";

/** A way out that stands open. */
export interface Door {
  /** The socket, on the host. */
  readonly path: string;
  close(): Promise<void>;
}

/** @param folder made for it alone @param user who may enter; null: this process's @throws Error */
export async function openDoor(folder: string, user: Jail["user"], outlet: Outlet): Promise<Door> {
  const path = join(folder, "s");
  const close = async () => {
    outlet.close();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 });
    await chmod(folder, 0o700);
    outlet.server.maxConnections = CONNECTIONS_MAX;
    outlet.server.listen(path);
    await once(outlet.server, "listening");
    // Its user in the sandbox is not its user here; the folder keeps everybody else out.
    await chmod(path, 0o666);
    if (user !== null) await chown(folder, user.uid, user.gid);
    return { path, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}
