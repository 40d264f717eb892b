/**
 * Owns: the tiers `microvm` and `microvm-tcg`: a machine of its own for each call, copied from a
 * template, used once and destroyed; a few copies wait warm.
 * Does not own: a machine (machine.ts), what is said to its guest (guest-call.ts).
 */
import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { type IsolatedTier, NO_USAGE, type Outcome } from "../actor/outcome.ts";
import type { Witnessed } from "../actor/tool.ts";
import type { SandboxLimits } from "../actor/walls.ts";
import { begin } from "./begin.ts";
import { type Call, Calls } from "./calls.ts";
import { type Cut, misfit, outcomeOf } from "./collect.ts";
import { sizeOf } from "./command.ts";
import { firecracker } from "./firecracker-machine.ts";
import { askedFirecracker, firecrackerFault, unasked } from "./firecracker-probe.ts";
import { callGuest, unfit } from "./guest-call.ts";
import { builtImages, lacking } from "./image.ts";
import { kvmFault } from "./kvm.ts";
import { MachinePool } from "./machine-pool.ts";
import type { Monitor } from "./monitor.ts";
import { type Accelerator, machineMemory } from "./qemu.ts";
import { qemu } from "./qemu-machine.ts";
import { runFolder } from "./run-folder.ts";
import type {
  CommandOutput,
  OutputChunk,
  Sandbox,
  SandboxDriver,
  SandboxRequest,
  Tell,
  TierReport,
} from "./sandbox.ts";

function witnessed(line: string): Witnessed {
  const at = line.indexOf("\t");
  return { what: line.slice(0, Math.max(at, 0)), detail: line.slice(at + 1) };
}

export class MicroVms implements Sandbox {
  readonly tier: IsolatedTier;
  readonly #pool: MachinePool;
  readonly #accelerator: Accelerator;
  readonly #monitor: Monitor;
  readonly #calls: Calls;
  readonly #tell: Tell;
  #silent = 0;

  constructor(accelerator: Accelerator, folder: string, tell: Tell, monitor: Monitor = qemu) {
    this.#accelerator = accelerator;
    this.#monitor = monitor;
    this.#tell = (message) => {
      this.#silent++;
      tell(message);
    };
    this.tier = accelerator === "kvm" ? "microvm" : "microvm-tcg";
    this.#pool = new MachinePool(monitor, folder, availableParallelism());
    this.#calls = new Calls(
      this.tier,
      (request, limits) => misfit(request, limits) ?? unfitCut(request),
    );
  }

  run(
    request: SandboxRequest,
    limits: SandboxLimits,
    signal: AbortSignal,
    output: (chunk: OutputChunk) => void,
  ): Promise<Outcome<CommandOutput>> {
    return this.#calls.run(request, limits, signal, output, (call) => this.#perform(call));
  }

  /** How many machines and templates there are now; how many machines have not begun so far. */
  counts(): { machines: number; templates: number; silent: number } {
    return { ...this.#pool.counts(), silent: this.#silent };
  }

  async close(): Promise<void> {
    await this.#calls.close();
    await this.#pool.close();
  }

  async #perform({ request, limits, image, signal, collected }: Call) {
    const { vcpus, memoryBytes } = limits;
    const memoryMb = machineMemory(memoryBytes);
    const shape = { image, accelerator: this.#accelerator, memoryMb, vcpus };
    const machine = await begin(this.#pool, shape, signal, this.#tell);
    if ("tag" in machine) return outcomeOf(this.tier, limits, NO_USAGE, machine, collected);
    const began = performance.now();
    const cpu = machine.cpuMs();
    const call = await callGuest(machine, request, limits, signal, collected);
    const usage = {
      wallMs: performance.now() - began,
      memoryBytes: call.exit?.memoryBytes ?? null,
      cpuMs: Math.max(0, machine.cpuMs() - cpu),
      bytesIn: sizeOf(request),
      bytesOut: collected.bytes,
      ...(call.network && { network: call.network }),
      monitor: this.#monitor.name,
    };
    this.#pool.discard(machine);
    const outcome = outcomeOf(this.tier, limits, usage, call.end, collected);
    if (outcome.tag !== "ok" || !limits.witness) return outcome;
    return { ...outcome, value: { ...outcome.value, witness: call.witness.map(witnessed) } };
  }
}

function unfitCut(request: SandboxRequest): Cut | null {
  const why = unfit(request);
  return why === null ? null : { tag: "denied", why };
}

async function probe(accelerator: Accelerator): Promise<TierReport> {
  const tier = accelerator === "kvm" ? "microvm" : "microvm-tcg";
  const missing = (why: string, fix: string) => ({ tier, available: false, why, fix }) as const;
  if (process.platform !== "linux" || process.arch !== "x64") {
    return missing(
      `its guests are for Linux on x64, not ${process.platform} on ${process.arch}`,
      "use such a host",
    );
  }
  const images = builtImages();
  const [image] = images;
  if (image === undefined) return { tier, available: false, ...lacking() };
  const guests = `guests: ${images.map((each) => each.runtime).join(", ")}`;
  const what = (by: string) => ({ tier, available: true, what: `${by}; ${guests}` }) as const;
  if (accelerator === "tcg")
    return what("QEMU on a software processor: 3 to 20 times slower, no promise of QEMU's");
  const asked = askedFirecracker();
  const faults = [
    ...(asked === null ? [] : [await firecrackerFault(asked, images)]),
    await kvmFault(image),
  ].filter((fault) => fault !== null);
  if (faults.length > 0) {
    return missing(
      faults.map(({ why }) => why).join("; "),
      faults.map(({ fix }) => fix).join("; "),
    );
  }
  return what(asked === null ? `QEMU on KVM${unasked()}` : `Firecracker on KVM (${asked})`);
}

const driver = (accelerator: Accelerator): SandboxDriver => ({
  probe: () => probe(accelerator),
  async open(tell) {
    const folder = runFolder();
    await mkdir(folder, { recursive: true, mode: 0o755 });
    const asked = accelerator === "kvm" ? askedFirecracker() : null;
    return new MicroVms(accelerator, folder, tell, asked === null ? qemu : firecracker(asked));
  },
});

/** Machines on hardware. */
export const microvmKvm = driver("kvm");
/** Machines on a software processor, which is no security boundary by itself: QEMU is jailed. */
export const microvmTcg = driver("tcg");
