/**
 * Owns the names which lead out of a file: the modules of Node and the globals, and which capability
 * each of them is. How a name is recognised in code is for expressions.ts and capability.ts.
 */
import type { CapabilityName } from "./model.ts";

const modules: Partial<Record<CapabilityName, readonly string[]>> = {
  childProcess: ["child_process", "cluster"],
  network: ["dgram", "dns", "dns/promises", "http", "http2", "https", "net", "quic", "tls"],
  // A debugger and a prompt evaluate whatever they are told.
  dynamicCode: ["vm", "inspector", "inspector/promises", "repl"],
  fileSystem: ["fs", "fs/promises", "sqlite"],
};

const capabilityOf = new Map(
  Object.entries(modules).flatMap(([capability, names]) =>
    names.map((name) => [name, capability as CapabilityName] as const),
  ),
);

/** The capability which a module of Node gives, with or without "node:"; null for any other. */
export function builtinModule(specifier: string): CapabilityName | null {
  if (specifier === "sqlite") return null; // Without "node:" it is a package.
  return capabilityOf.get(specifier.replace(/^node:/, "")) ?? null;
}

/** `require` and what bundlers call the real one. */
export const requireNames: ReadonlySet<string> = new Set([
  "require",
  "__require",
  "__non_webpack_require__",
]);

export const networkGlobals: ReadonlySet<string> = new Set([
  "fetch",
  "EventSource",
  "RTCPeerConnection",
  "WebSocket",
  "WebTransport",
  "XMLHttpRequest",
]);

/** Called with text, they run it. */
export const evaluators: ReadonlySet<string> = new Set(["eval", "Function"]);
export const timers: ReadonlySet<string> = new Set(["setInterval", "setTimeout"]);

/** The names under which all other globals can be reached. */
export const globalObjects: ReadonlySet<string> = new Set([
  "global",
  "globalThis",
  "self",
  "window",
]);

/** Methods of `process` which reach past its modules. */
export const processCalls: ReadonlyMap<string, CapabilityName> = new Map([
  ["binding", "dynamicRequire"],
  ["_linkedBinding", "dynamicRequire"],
  ["dlopen", "dynamicRequire"],
  ["execve", "childProcess"],
  ["loadEnvFile", "environment"],
]);

/** Names whose own declaration in a file takes their meaning away. */
export const watchedNames: ReadonlySet<string> = new Set([
  ...requireNames,
  ...networkGlobals,
  ...evaluators,
  ...timers,
  ...globalObjects,
  "createRequire",
  "navigator",
  "process",
]);
