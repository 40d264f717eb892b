/**
 * Owns: where a tool runs, as a value: pool(), sandbox(), microvm() with limits and defaults.
 * Does not own: the tool (tool.ts), the threads and drivers (tool/).
 */
import { ActorError, shown } from "./errors.ts";
import { hostGrant } from "./hosts.ts";
import { type Names, onlyKnown } from "./names.ts";
import { ISOLATED_TIERS, type IsolatedTier } from "./outcome.ts";
import { settings } from "./settings.ts";
import { bytes, type Duration, type Size } from "./units.ts";

/** Limits of a {@link pool} tool, defaults filled in. */
export interface PoolSpec {
  readonly tier: "pool";
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  readonly maxQueue: number;
}

/** What a call may use. All are hard. */
export interface SandboxLimits {
  /** From the moment the command starts. @unit ms */
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  /** Of the writable space. */
  readonly scratchBytes: number;
  /** stdout and stderr together; one byte more ends the call with `killed`, limit `output`. */
  readonly outputBytes: number;
  readonly processes: number;
  readonly vcpus: number;
  /** Hosts it may reach through a proxy of the host; "none": no network at all. */
  readonly network: "none" | readonly string[];
  /** What may cross to and from those hosts, both ways together. */
  readonly trafficBytes: number;
  /** Tell what was seen of the command from outside of it. */
  readonly witness: boolean;
}

/** A {@link sandbox}, defaults filled in; `tier` is the least that will do. */
export interface IsolatedSpec extends SandboxLimits {
  readonly tier: IsolatedTier;
}

/** Where a tool runs. `inline` is trusted code in the actor's thread, `pool` pure CPU work beside it. */
export type SandboxSpec = { readonly tier: "inline" } | PoolSpec | IsolatedSpec;

const HOUR_MS = 3_600_000;

/** How a {@link pool} tool is bounded. */
export interface PoolOptions {
  /**
   * Longest run of one call; waiting for a free thread does not count. Past it the thread is ended
   * and the call fails with `timeout`. @default 10 s @limit 1 ms … 1 h
   */
  timeout?: Duration;
  /**
   * JavaScript heap of the thread, which the app module needs a part of; memory of buffers lies
   * outside of it and is not bounded. @unit MiB @default 128 @limit 16 … 32_768
   */
  memoryMb?: number;
  /**
   * Calls of this tool that may wait for a free thread, on the whole node; one more fails with
   * `overloaded`. @default 1_000 @limit 0 … 100_000
   */
  maxQueue?: number;
}

/**
 * A sandbox for pure CPU work: the function runs in a thread of the node's pool, so it holds up no
 * actor, and can be ended in the middle of a loop. A guard against accidents, not against malice:
 * the code has this process's rights. Its thread imports the app module and finds the tool by name
 * in the tree's grants, so `run` must reach what it needs from there; input and output cross as
 * structured clones. The signal given to `run` never fires: the thread is ended instead.
 *
 * A call fails with what `run` throws, with `timeout` or `overloaded`, with `E_TOOL_LOST` when its
 * thread is gone (out of memory, `process.exit`, an error nobody caught), with `E_APP_LOAD` when
 * the app module cannot be imported there.
 *
 * @example tool("diff", { input, output, sandbox: pool({ timeout: "2s" }), run: ({ a, b }) => … })
 * @throws E_SPEC_SETTING E_SPEC_RANGE E_UNITS for a setting outside of its limits
 */
export function pool(options?: PoolOptions): PoolSpec {
  const at = "pool()";
  const names = { timeout: true, memoryMb: true, maxQueue: true } as const;
  const { timeout, memoryMb, maxQueue } = onlyKnown(options, names, at);
  const timeoutMs = settings.period(timeout, 10_000, "timeout", at);
  if (timeoutMs > HOUR_MS) throw settings.outside("timeout", timeout, 1, HOUR_MS, at);
  return {
    tier: "pool",
    timeoutMs,
    memoryBytes: settings.integer(memoryMb, 128, [16, 32_768], "memoryMb", at) * 1_048_576,
    maxQueue: settings.integer(maxQueue, 1_000, [0, 100_000], "maxQueue", at),
  };
}

/** How a sandboxed command is bounded. Every limit ends the call, with an outcome that names it. */
export interface SandboxOptions {
  /** Longest run of the command; the start of the sandbox does not count. @default 10 s @limit 1 ms … 1 h */
  timeout?: Duration;
  /** Of the sandbox as a whole; in a microVM of the machine. @unit MiB @default 128 @limit 16 … 32_768 */
  memoryMb?: number;
  /** The same with a unit. */
  memory?: Size;
  /** Writable space; it starts with the files of the call alone. @default "64mb" @limit 1 MB … 64 GB */
  scratch?: Size;
  /** stdout and stderr together. @default "1mb" @limit 1 byte … 64 MB */
  output?: Size;
  /** Processes at a time. @default 64 @limit 1 … 4_096 */
  processes?: number;
  /** @default 1 @limit 1 … 16 */
  vcpus?: number;
  /**
   * Hosts it may reach: `name` (ports 80 and 443), `name:port`, `*.name` for all names below, an address as
   * `192.0.2.1:8080` or `[2001:db8::1]:8080`. Only HTTP and what HTTP's CONNECT carries, TLS for one: the
   * environment names a proxy, there is no other way out. A name that leads to a private, local or
   * metadata address is refused; such an address is reached only where the list has it, literally.
   * @default "none" @limit 1 … 100 hosts
   */
  network?: "none" | readonly string[];
  /** To and from those hosts, both ways together. @default "64mb" @limit 1 byte … 64 GB */
  traffic?: Size;
  /**
   * Tell what the guest's first process saw of a command that ended well: what it opened, ran, left
   * behind and tried to reach. Microvms only: a weaker tier refuses the call. @default false
   */
  witness?: boolean;
}

const OPTIONS: Names<SandboxOptions> = {
  timeout: true,
  memoryMb: true,
  memory: true,
  scratch: true,
  output: true,
  processes: true,
  vcpus: true,
  network: true,
  traffic: true,
  witness: true,
};

const MIB = 1_048_576;

function sizeOf(value: Size | undefined, otherwise: number, name: string, max: number, at: string) {
  if (value === undefined) return otherwise;
  const size = bytes(value, `${at}, ${name}`);
  if (size >= 1 && size <= max) return size;
  throw settings.outside(name, value, 1, max, at);
}

const HOSTS_MAX = 100;

function networkOf(value: SandboxOptions["network"], at: string): IsolatedSpec["network"] {
  if (value === undefined || value === "none") return "none";
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  const odd = list.find((each) => typeof each !== "string" || hostGrant(each) === null);
  if (list.length > 0 && list.length <= HOSTS_MAX && odd === undefined) {
    return list.map((each) => String(each).toLowerCase());
  }
  const what =
    odd === undefined ? `no list of 1 to ${HOSTS_MAX} hosts` : `no list of hosts: ${shown(odd)}`;
  throw new ActorError("E_SPEC_STRATEGY", `network: ${shown(value)} is ${what}`, {
    at,
    fix: 'use "none" or ["example.org", "*.example.org:443", "192.0.2.1:8080"]',
  });
}

/**
 * A sandbox for commands that may do harm: read the host's files, reach the network, never end. The
 * minimum is a promise: if the host has it, or something stronger, the weakest such tier runs the
 * tool; if not, the app does not start (`E_SANDBOX_MISSING`). `process` is no wall against hostile
 * code; `userkernel` is a second kernel in user space, `microvm-tcg` a machine in software,
 * `microvm` one in hardware.
 *
 * @example sandbox("userkernel", { timeout: "5s", memoryMb: 256 })
 * @throws E_SPEC_SETTING E_SPEC_STRATEGY E_SPEC_RANGE E_UNITS for a setting outside of its limits
 */
export function sandbox(minimum: IsolatedTier, given?: SandboxOptions): IsolatedSpec {
  const at = `sandbox(${String(minimum)})`;
  const options = onlyKnown(given, OPTIONS, at);
  const { timeout, memory, memoryMb, processes, vcpus, network } = options;
  const timeoutMs = settings.period(timeout, 10_000, "timeout", at);
  if (timeoutMs > HOUR_MS) throw settings.outside("timeout", timeout, 1, HOUR_MS, at);
  const mb = settings.integer(memoryMb, 128, [16, 32_768], "memoryMb", at);
  return {
    tier: settings.word(minimum, ISOLATED_TIERS, "tier", at),
    timeoutMs,
    memoryBytes: sizeOf(memory, mb * MIB, "memory", 32_768 * MIB, at),
    scratchBytes: sizeOf(options.scratch, 64 * MIB, "scratch", 65_536 * MIB, at),
    outputBytes: sizeOf(options.output, MIB, "output", 64 * MIB, at),
    processes: settings.integer(processes, 64, [1, 4_096], "processes", at),
    vcpus: settings.integer(vcpus, 1, [1, 16], "vcpus", at),
    network: networkOf(network, at),
    trafficBytes: sizeOf(options.traffic, 64 * MIB, "traffic", 65_536 * MIB, at),
    witness: settings.flag(options.witness, false, "witness", at),
  };
}

/**
 * A machine of its own for each call, in hardware. Where only software machines run, an app says
 * that it accepts them: `sandbox("microvm-tcg", …)`.
 */
export function microvm(options?: SandboxOptions): IsolatedSpec {
  return sandbox("microvm", options);
}
