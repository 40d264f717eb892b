/**
 * Owns: the command line that puts a program behind walls of the host's kernel: an unprivileged user,
 * namespaces of its own for everything, a root of its own, no environment, no capabilities; it ends
 * with its parent. Pure.
 * Does not own: what runs inside, and further limits (process.ts, qemu.ts).
 */
import { join } from "node:path";

/** A program in its walls. */
export interface Jail {
  /** Folder with bubblewrap. */
  readonly jail: string;
  /** A shell of ours. */
  readonly shell: string;
  /** Open descriptors that what is started needs: the highest. Those above are closed. */
  readonly descriptors: number;
  /** The folder that becomes the root, read-only. */
  readonly root: string;
  /** User and group the walls are started as; null: this process is unprivileged already. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  /** Devices of the host that are in there too. */
  readonly devices?: readonly string[];
  /** No view of processes, and of devices only those named: fewer mounts, and nothing to look at. */
  readonly bare?: boolean;
  /** Further flags of bubblewrap: mounts, the working folder. */
  readonly mounts: readonly string[];
  /** Seen in there; nothing else is. */
  readonly env: Readonly<Record<string, string>>;
  /** Limits of the host's kernel for each process in there, as `prlimit` writes them. */
  readonly limits: readonly string[];
  /** An open descriptor with a seccomp program. */
  readonly seccomp?: number;
  readonly command: readonly string[];
}

export interface Spawn {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Users of sandboxes: far from those of people and services. */
const FIRST_UID = 0x6000_0000;
const UIDS = 0x0fff_ffff;

/** A user nobody else is, or null when this process may not choose. @param random in 0…1 */
export function jailUser(uid: number | undefined, random: number): Jail["user"] {
  if (uid !== 0) return null;
  const id = FIRST_UID + Math.floor(random * UIDS);
  return { uid: id, gid: id };
}

/** By its path: a shell that has programs built in would take its own. */
const CLOSE = `last=$1 program=$2; shift 2
for each in /proc/self/fd/*; do each=\${each##*/}; [ "$each" -gt "$last" ] && eval "exec $each>&-"; done
for each in /usr/sbin /usr/bin /sbin /bin; do [ -x "$each/$program" ] && exec "$each/$program" "$@"; done
echo "$program is absent: install util-linux" >&2; exit 127`;

/**
 * The arguments of a shell that starts a command with no open descriptor above `last`. Node.js opens nothing
 * that its children get, but what it has got itself when it was started, as by `60>file`, would go on.
 */
export const closing = (last: number, command: readonly string[]): string[] => [
  ...["sh", "-c", CLOSE, "sh", `${last}`],
  ...command,
];

export function jailed(spec: Jail): Spawn {
  const { jail, root, user, mounts, env, limits, seccomp, command } = spec;
  const walls = ["--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"];
  const inside = ["--new-session", "--cap-drop", "ALL", "--uid", "1000", "--gid", "1000"];
  const names = ["--hostname", "sandbox", "--clearenv"];
  const set = Object.entries(env).flatMap(([name, value]) => ["--setenv", name, value]);
  const filter = seccomp === undefined ? [] : ["--seccomp", `${seccomp}`];
  const bwrap = [join(jail, "bwrap"), ...walls, ...inside, ...names, ...set, ...filter];
  const devices = (spec.devices ?? []).flatMap((each) => ["--dev-bind", each, each]);
  const dev = [spec.bare ? "--tmpfs" : "--dev", "/dev", ...devices, "--remount-ro", "/dev"];
  const files = ["--ro-bind", root, "/", ...dev, ...(spec.bare ? [] : ["--proc", "/proc"])];
  const all = [...bwrap, ...files, ...mounts, "--", ...command];
  // Only what starts the walls has an environment: where their libraries are.
  const own = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LD_LIBRARY_PATH: jail };
  const last = ["--no-new-privs", "--pdeathsig", "KILL", "prlimit", "--core=0", ...limits];
  const become =
    user === null ? [] : ["--reuid", `${user.uid}`, "--regid", `${user.gid}`, "--clear-groups"];
  const args = closing(spec.descriptors, ["setpriv", ...become, ...last, ...all]);
  return { file: spec.shell, args, env: own };
}
