/**
 * Owns: the counter of reductions of one thread, and the load hook that makes app modules use it.
 * Does not own: how a module is rewritten (meter-rewrite.ts), what a limit means (kernel). ADR 13.
 */
import { type LoadFnOutput, registerHooks, stripTypeScriptTypes } from "node:module";
import { runInThisContext } from "node:vm";
import type { Meter } from "../kernel/ports.ts";
import { NAMES, rewrite } from "./meter-rewrite.ts";

/** A meter at work in this thread. */
export interface InstalledMeter {
  readonly meter: Meter;
  /** Modules that are loaded from now on are not metered. */
  uninstall(): void;
}

export interface MeterOptions {
  /** An app module is not metered though it did not ask for it. Called once for each. */
  readonly onUnmetered: (url: string, why: string) => void;
  /** Which modules are metered; {@link isAppModule} if not given. */
  readonly meters?: (url: string) => boolean;
}

/**
 * Variables of the realm's script scope: V8 reads and writes these fastest. Until somebody arms the
 * meter, the counter is out of reach: years away. The assignment makes V8 see a variable from the
 * start, not a constant: code compiled before the first arm() stays good. (`var`: a `let` of a
 * function is checked at each use for having been reached.)
 */
const REALM = `let ${NAMES.left} = 0, ${NAMES.floor} = 0;
const ${NAMES.over} = new Error("this actor has used up its reductions");
${NAMES.over}.stack = String(${NAMES.over});
Object.freeze(${NAMES.over});
const ${NAMES.yielding} = (() => {
  var limit = ${Number.MAX_SAFE_INTEGER}, slice = limit;
  const again = (resolve) => { meter.arm(slice, limit); resolve(); };
  const meter = {
    arm(most, hard) {
      slice = most;
      limit = ${NAMES.left} = hard;
      ${NAMES.floor} = hard - most;
    },
    used() { return limit - ${NAMES.left}; },
    over() { return ${NAMES.left} < 0; },
    yielding() { return new Promise((resolve) => setImmediate(again, resolve)); },
  };
  ${NAMES.left} = limit;
  return Object.assign(() => meter.yielding(), { meter });
})();
${NAMES.yielding}.meter`;

let realm: Meter | undefined;

/** Meters the app modules that this thread loads from now on. */
export function installMeter(options: MeterOptions): InstalledMeter {
  realm ??= runInThisContext(REALM, { filename: "coppice:meter" }) as Meter;
  const meters = options.meters ?? isAppModule;
  const hooks = registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      return meters(url) ? metered(url, loaded, options.onUnmetered) : loaded;
    },
  });
  return { meter: realm, uninstall: () => hooks.deregister() };
}

/** Files above this one: the repository, or the folder `dist` of the package. */
const HERE = import.meta.url.slice(0, import.meta.url.lastIndexOf("src/node/"));

/** Is it the user's own code: neither a package nor Coppice? */
export function isAppModule(url: string): boolean {
  if (!url.startsWith("file:") || url.includes("/node_modules/")) return false;
  return !url.startsWith(`${HERE}src/`) && !url.startsWith(`${HERE}supervisors/`);
}

function metered(url: string, loaded: LoadFnOutput, report: MeterOptions["onUnmetered"]) {
  const { format, source } = loaded;
  if (format?.startsWith("commonjs")) report(url, "it is CommonJS");
  if ((format !== "module" && format !== "module-typescript") || source == null) return loaded;
  const text = typeof source === "string" ? source : new TextDecoder().decode(source);
  const script = format === "module" ? text : withoutTypes(text);
  // What is no TypeScript is no JavaScript either: importing it will say what is wrong with it.
  if (script === undefined) return loaded;
  const result = rewrite(script);
  if (result.ok) return { ...loaded, format: "module", source: result.source };
  if (result.why !== "unmetered") report(url, result.detail);
  return loaded;
}

/** Types become blanks: lines and columns stay. undefined: it cannot be parsed. */
function withoutTypes(text: string): string | undefined {
  const { emitWarning } = process;
  // Its first use would print that it is experimental, in each thread; Node itself uses it to load
  // the same file.
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(text);
  } catch {
    return undefined;
  } finally {
    process.emitWarning = emitWarning;
  }
}
