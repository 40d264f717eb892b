/**
 * Owns: importing an app module, with an error that says what is wrong with it.
 * Does not own: starting the app (node.ts).
 */
import { existsSync, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isMainThread } from "node:worker_threads";
import { type App, behavioursOf, isApp, visitSpecs } from "../actor/app.ts";
import { ActorError, shown } from "../actor/errors.ts";
import { type ExitReason, explainStart } from "../actor/exit.ts";
import type { IsolatedTier } from "../actor/outcome.ts";
import type { AnyTool } from "../actor/tool.ts";
import { tierFor } from "../tool/tiers.ts";

/** The URL of an app module given as URL or path. @throws E_APP_FILE */
export function appUrl(app: URL | string): URL {
  if (!(app instanceof URL) && typeof app !== "string") {
    const fact = isApp(app) ? "start() was given an app" : `${shown(app)} is no module`;
    throw new ActorError("E_APP_FILE", `${fact}: it takes where the app's module is`, {
      at: "start()",
      fix: 'write start(new URL("app.ts", import.meta.url)): each thread imports it for itself',
    });
  }
  const isUrl = app instanceof URL || app.startsWith("file:");
  const path = isUrl ? fileURLToPath(app) : resolve(app);
  if (existsSync(path) && statSync(path).isFile()) return pathToFileURL(path);
  throw new ActorError("E_APP_FILE", `there is no file ${path}`, {
    at: String(app),
    fix: "give the path of a module whose default export is made by app()",
  });
}

/**
 * What to import. A program that starts the app it is itself waits, at its top level, for that very
 * import, which waits for the program's end: it gets a module of its own, as every thread does.
 */
function moduleOf(url: URL): string {
  const program = process.argv[1];
  if (!isMainThread || program === undefined || !existsSync(program)) return url.href;
  const own = realpathSync(program) === realpathSync(fileURLToPath(url));
  return own ? `${url.href}?app` : url.href;
}

/** Imports an app. @throws E_APP_LOAD E_APP_DEFAULT E_SPEC_DUPLICATE_ID */
export async function loadApp(url: URL): Promise<App> {
  let module: { default?: unknown };
  try {
    module = await import(moduleOf(url));
  } catch (cause) {
    if (cause instanceof ActorError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ActorError("E_APP_LOAD", `the app module cannot be imported: ${why.split("\n")[0]}`, {
      at: fileURLToPath(url),
      fix: "run it alone with node and mend what it reports",
      cause,
    });
  }
  if (!isApp(module.default)) {
    throw new ActorError("E_APP_DEFAULT", "the module's default export is no app", {
      at: fileURLToPath(url),
      fix: "end it with: export default app({ root: supervisor(…) })",
    });
  }
  behavioursOf(module.default);
  checkNames(module.default);
  return module.default;
}

/** Two tools of one name are refused: threads find tools by name, and each must find the same one. */
function checkNames(app: App): void {
  const tools = new Map<string, AnyTool>();
  eachTool(app, (tool, at) => {
    const other = tools.get(tool.name) ?? tool;
    tools.set(tool.name, tool);
    if (other === tool) return;
    throw new ActorError("E_SPEC_DUPLICATE_ID", `two tools are called ${tool.name}`, {
      at,
      fix: "give each tool of an app a name of its own",
    });
  });
}

function eachTool(app: App, visit: (tool: AnyTool, path: string) => void): void {
  visitSpecs(app.root, (spec, path) => {
    if (spec.kind === "actor") for (const tool of spec.tools) visit(tool, path);
  });
}

/**
 * An app with a tool whose tier this host lacks is refused before anything starts: no silent
 * downgrade. @throws E_SANDBOX_MISSING
 */
export async function checkTiers(app: App): Promise<void> {
  const needed = new Map<IsolatedTier, string>();
  eachTool(app, ({ name, sandbox: { tier } }) => {
    if (tier !== "inline" && tier !== "pool" && !needed.has(tier)) needed.set(tier, name);
  });
  for (const [tier, tool] of needed) await tierFor(tier, tool);
}

/** Why there is no tree. */
export function startFailed(app: App, reason: ExitReason): ActorError {
  const fact = `the tree did not start: ${explainStart(reason)}`;
  const fix = "mend what the reason names; nothing was left running";
  return new ActorError("E_START_FAILED", fact, { at: `/${app.root.id}`, fix, reason });
}
