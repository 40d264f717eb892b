/**
 * The public API: re-exports, nothing else. DESIGN §11 is its contract.
 */
export { actor, type Behaviour, type Down, IGNORE, type LinkExit } from "./actor/actor.ts";
export { type App, app } from "./actor/app.ts";
export type {
  AfterOptions,
  Context,
  Log,
  Missed,
  Repeat,
  Sender,
  Timer,
  UseOptions,
} from "./actor/context.ts";
export type { Decision } from "./actor/decision.ts";
export { ActorError, type ErrorCode } from "./actor/errors.ts";
export { type ExitReason, formatReason, isClean } from "./actor/exit.ts";
export { Human, human } from "./actor/human.ts";
export type { IsolatedTier, Outcome, Tier, Usage } from "./actor/outcome.ts";
export {
  type Condition,
  type Policy,
  type PolicyCall,
  type Rule,
  type RulesPolicy,
  rules,
} from "./actor/policy.ts";
export {
  type Ask,
  ask,
  type DynamicRef,
  dynamicRef,
  type Messages,
  type NewChild,
  type Ref,
  ref,
  refSchema,
} from "./actor/protocol.ts";
export {
  type ActorSettings,
  type ActorSpec,
  type ChildSpec,
  child,
  type DynamicFlags,
  dynamic,
  type SupervisorFlags,
  type SupervisorSpec,
  supervisor,
} from "./actor/spec.ts";
export { memory, type RedisOptions, redis, type StoreSpec, sqlite } from "./actor/store.ts";
export {
  type CommandRun,
  type Cost,
  type Printed,
  type Spend,
  type ToolOptions,
  type ToolValue,
  tool,
  type Witnessed,
} from "./actor/tool.ts";
export type { Duration, Size } from "./actor/units.ts";
export {
  type IsolatedSpec,
  microvm,
  type PoolOptions,
  type PoolSpec,
  pool,
  type SandboxOptions,
  type SandboxSpec,
  sandbox,
} from "./actor/walls.ts";
export { start } from "./node/node.ts";
export type { StartOptions } from "./node/options.ts";
export type { System } from "./node/system.ts";
export { type Probe, probe } from "./sim/probe.ts";
export { type Sim, type SimulateOptions, simulate } from "./sim/simulate.ts";
export { type ModelInput, type ModelOptions, type ModelOutput, model } from "./tool/model.ts";
