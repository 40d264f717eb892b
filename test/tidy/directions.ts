// Who may import whom: DESIGN §4 and §13 as data, and the checks over it.

import type { Import, Offence, Source } from "./source.ts";

interface Allowed {
  readonly to: string;
  /** Only these files of the folder; all of them when absent. */
  readonly files?: readonly string[];
  /** Only for these importing files; for all of the folder when absent. */
  readonly from?: readonly string[];
  readonly typesOnly?: true;
}

const actor: Allowed = { to: "actor" };
const kernelTypes: Allowed = {
  to: "kernel",
  files: ["ports.ts", "events.ts", "tools.ts"],
  typesOnly: true,
};
const below = ["actor", "kernel", "store", "tool", "observe"].map((to) => ({ to }));

/** Folder of src → what it may import besides itself. `index` is src/index.ts, the public API. */
const DIRECTIONS: Readonly<Record<string, readonly Allowed[]>> = {
  actor: [],
  kernel: [actor],
  store: [actor, kernelTypes],
  tool: [actor, kernelTypes],
  observe: [actor, kernelTypes],
  node: below,
  sim: [
    actor,
    { to: "kernel" },
    // Port, client and reference engine: the simulator has no store of its own kind.
    { to: "store", files: ["store.ts", "committer.ts", "memory.ts", "codec.ts", "calendar.ts"] },
    { to: "tool", files: ["policy.ts", "broker.ts", "desk.ts"] },
  ],
  cli: [
    actor,
    { to: "observe", files: ["inspect.ts"] },
    { to: "node", from: ["run.ts"] },
    {
      to: "tool",
      files: ["tiers.ts", "image.ts", "image-build.ts", "image-store.ts"],
      from: ["doctor.ts", "image.ts"],
    },
    { to: "sim", from: ["sim.ts", "conformance.ts"] },
    { to: "store", files: ["survey.ts"], from: ["store.ts"] },
    { to: "store", files: ["redis-checkup.ts"], from: ["doctor.ts", "doctor-redis.ts"] },
    // Reads the record without a node, which may be the one that is not trusted.
    { to: "tool", files: ["audit.ts"], from: ["audit.ts"] },
  ],
  index: [...below, { to: "node" }, { to: "sim" }],
  interop: [],
};

/** Third-party packages, and node:sqlite: the only places of src that may import them. */
const HOMES: Readonly<Record<string, readonly string[]>> = {
  // The model tool has schemas of its own.
  zod: ["src/tool/model.ts", "src/actor/", "src/cli/", "src/interop/", "src/observe/", "src/sim/"],
  "node:sqlite": ["src/store/"],
  msgpackr: ["src/store/", "src/node/transport.ts"],
  ioredis: ["src/store/"],
  croner: ["src/store/"],
  piscina: ["src/tool/"],
  openai: ["src/tool/"],
  acorn: ["src/node/", "src/tool/"],
  pino: ["src/observe/"],
  "@opentelemetry/api": ["src/observe/"],
  nact: ["src/interop/"],
};

/** Folders written with the public API only: they say "coppice", as their readers will. */
const ABOVE_INDEX = /^(supervisors|examples|src\/interop)\//;

export function wrongDirections(sources: readonly Source[]): Offence[] {
  return sources.flatMap((source) =>
    source.imports.flatMap((item) => {
      const what = directionFault(source.path, item);
      return what === undefined ? [] : [{ path: source.path, line: item.line, what }];
    }),
  );
}

function directionFault(path: string, item: Import): string | undefined {
  const above = ABOVE_INDEX.exec(path)?.[0];
  if (above !== undefined) {
    if (item.target === undefined || item.target.startsWith(above)) return undefined;
    return `${item.specifier} leaves ${above}: import "coppice" or "coppice/…" instead`;
  }
  if (item.target === undefined) {
    const self = /^coppice(\/|$)/.test(item.specifier);
    return self ? `${item.specifier}: src does not import the package it is` : undefined;
  }
  return folderFault(path, item, item.target);
}

function folderFault(path: string, item: Import, target: string): string | undefined {
  const [from, to] = [folderOf(path), folderOf(target)];
  if (from === to) return undefined;
  const rules = DIRECTIONS[from];
  if (!rules)
    return `folder ${from} has no row in the table of DESIGN §4 (test/tidy/directions.ts)`;
  const file = (name: string) => name.slice(name.lastIndexOf("/") + 1);
  const fits = rules.some(
    (rule) =>
      rule.to === to &&
      (rule.files?.includes(file(target)) ?? true) &&
      (rule.from?.includes(file(path)) ?? true) &&
      (!rule.typesOnly || item.typeOnly),
  );
  return fits ? undefined : `${from} may not import ${target}${typeHint(rules, to, item)}`;
}

function typeHint(rules: readonly Allowed[], to: string, item: Import): string {
  const rule = rules.find((candidate) => candidate.to === to);
  if (!rule) return "";
  const part = rule.files ? ` ${rule.files.join(", ")}` : "";
  const types = rule.typesOnly && !item.typeOnly ? ", with `import type`" : "";
  const from = rule.from ? `, from ${rule.from.join(", ")}` : "";
  return ` (allowed of ${to}:${part || " all"}${types}${from})`;
}

/** "actor" for src/actor/…, "index" for src/index.ts, "supervisors" for what is outside src. */
function folderOf(path: string): string {
  const [first, second = "", third] = path.split("/");
  if (first !== "src") return first ?? "";
  return third === undefined ? second.replace(/\.ts$/, "") : second;
}

export function homelessPackages(sources: readonly Source[]): Offence[] {
  return sources
    .filter(({ path }) => path.startsWith("src/"))
    .flatMap((source) =>
      source.imports.flatMap((item) => {
        const what = packageFault(source.path, item);
        return what === undefined ? [] : [{ path: source.path, line: item.line, what }];
      }),
    );
}

function packageFault(path: string, { specifier, target }: Import): string | undefined {
  if (target !== undefined || /^coppice(\/|$)/.test(specifier)) return undefined;
  const name = packageName(specifier);
  const homes = HOMES[name];
  if (homes) {
    if (homes.some((home) => path.startsWith(home))) return undefined;
    return `${name} may be imported only in ${homes.join(", ")}`;
  }
  if (!specifier.startsWith("node:")) return `${name} has no home in DESIGN §13`;
  const pure = /^src\/(actor|kernel)\//.exec(path)?.[1];
  return pure === undefined ? undefined : `${specifier}: ${pure} imports nothing of Node`;
}

function packageName(specifier: string): string {
  if (specifier.startsWith("node:")) return specifier;
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}
