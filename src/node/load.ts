/**
 * Owns: importing an app module, with an error that says what is wrong with it.
 * Does not own: starting the app (node.ts).
 */
import { existsSync, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { isMainThread } from "node:worker_threads";
import { type App, behavioursOf, isApp, visitSpecs } from "../actor/app.ts";
import { ActorError } from "../actor/errors.ts";
import type { AnyTool } from "../actor/tool.ts";

/** The URL of an app module given as URL or path. @throws E_APP_FILE */
export function appUrl(app: URL | string): URL {
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
  checkSandboxes(module.default);
  return module.default;
}

/**
 * A tool whose tier this host lacks is refused before anything starts: no silent downgrade. So is a
 * second tool of one name: threads find tools by name, and each must find the same one.
 */
function checkSandboxes(app: App): void {
  const tools = new Map<string, AnyTool>();
  visitSpecs(app.root, (spec, path) => {
    if (spec.kind !== "actor") return;
    for (const tool of spec.tools) {
      const other = tools.get(tool.name) ?? tool;
      tools.set(tool.name, tool);
      if (other !== tool) {
        throw new ActorError("E_SPEC_DUPLICATE_ID", `two tools are called ${tool.name}`, {
          at: path,
          fix: "give each tool of an app a name of its own",
        });
      }
      const { tier } = tool.sandbox;
      if ((tier === "inline" || tier === "pool") && typeof tool.run === "function") continue;
      const needed = typeof tool.run === "string" && tier !== "microvm" ? "process" : tier;
      throw new ActorError("E_SANDBOX_MISSING", `tool ${tool.name} needs the tier ${needed}`, {
        at: path,
        fix: "this version runs functions only: inline (no sandbox) or in a pool()",
      });
    }
  });
}
