/**
 * `coppice/sim`: what tests and simulations of many agents are written with; re-exports, nothing
 * else. `probe` and `simulate` are also in `coppice` itself.
 */
export type { KernelEvent } from "../kernel/events.ts";
export type { ProcessView } from "../kernel/inspect.ts";
export type { Effect } from "./effect.ts";
export { type Fake, type FakeAnswer, fake, inTurn } from "./fakes.ts";
export {
  type ScriptedModel,
  type ScriptedReply,
  type ScriptedRequest,
  scriptedModel,
} from "./model-server.ts";
export { type Probe, type ProbeSettings, probe, type Reply, type Turn } from "./probe.ts";
export { type Sim, type SimulatedFaults, type SimulateOptions, simulate } from "./simulate.ts";
