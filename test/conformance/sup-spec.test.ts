// Specs and flags: what is valid, and which word names what is not (supervisor_SUITE, admin).
import { describe, expect, test } from "vitest";
import type { AnyBehaviour } from "../../src/actor/actor.ts";
import type { ActorError } from "../../src/actor/errors.ts";
import {
  type AutoShutdown,
  child,
  dynamic,
  type Restart,
  type Shutdown,
  type Strategy,
  supervisor,
} from "../../src/actor/spec.ts";
import { Bench, make, start } from "./harness.ts";

const work = new Bench().behaviour({});

/** Code and fact of what is thrown, or "ok". */
function verdict(build: () => unknown): string {
  try {
    build();
    return "ok";
  } catch (error) {
    const { code, message } = error as ActorError;
    return `${code} ${message}`;
  }
}

const bad = (options: Record<string, unknown>) =>
  verdict(() => child("c1", work, { args: undefined, ...options }));
const badFlags = (flags: Record<string, unknown>) => verdict(() => supervisor("s", flags, []));

test("SUP-026 a wrong value of a child's field is refused and names the field", () => {
  expect(bad({ restart: "always" })).toMatch(/^E_SPEC_STRATEGY restart: "always"/);
  expect(bad({ shutdown: -1 })).toMatch(/^E_UNITS -1/);
  expect(bad({ shutdown: "soon" })).toMatch(/^E_UNITS "soon"/);
  expect(bad({ shutdown: Number.POSITIVE_INFINITY })).toMatch(/^E_UNITS/);
  expect(bad({ significant: "yes" })).toMatch(/^E_SPEC_STRATEGY significant: "yes"/);
  expect(verdict(() => child("", work))).toMatch(/^E_SPEC_ID child id ""/);
  expect(verdict(() => child("c1", {} as AnyBehaviour))).toMatch(/^E_SPEC_CHILD/);
});

test("SUP-026 every valid combination of fields starts, as first child and by hand", async () => {
  const t = new Bench();
  await t.sup({ autoShutdown: "any_significant" }, []);
  const ids: string[] = [];
  for (const restart of ["permanent", "transient", "temporary"] as const) {
    for (const shutdown of ["brutal_kill", "infinity", 1_000, 0] as const) {
      for (const type of ["worker", "supervisor"] as const) {
        const id = `${restart}-${shutdown}-${type}`;
        const settings = { restart, shutdown };
        const spec = type === "worker" ? t.w(id, settings) : supervisor(id, settings, []);
        expect(await t.admin(start(spec))).toEqual({ ok: id });
        expect(verdict(() => supervisor("x", {}, [spec]))).toBe("ok");
        ids.unshift(`${id}:up`);
      }
    }
  }
  expect(ids).toHaveLength(3 * 4 * 2);
  expect(await t.kids()).toEqual(ids);
});

test("SUP-026 two children of one id are refused; a dynamic supervisor has one template", () => {
  const c1 = child("c1", work, { args: undefined });
  expect(verdict(() => supervisor("s", {}, [c1, c1]))).toMatch(
    /^E_SPEC_DUPLICATE_ID two children are called "c1"/,
  );
  expect(verdict(() => dynamic("s", {}, undefined as unknown as AnyBehaviour))).toMatch(
    /^E_SPEC_CHILD/,
  );
  expect(verdict(() => dynamic("s", {}, [work, work] as unknown as AnyBehaviour))).toMatch(
    /^E_SPEC_CHILD/,
  );
});

const STRATEGIES = ["one_for_one", "one_for_all", "rest_for_one", "dynamic"] as const;
const AUTO = ["never", "any_significant", "all_significant"] as const;
const RESTARTS = ["permanent", "transient", "temporary"] as const;
const SHUTDOWNS = ["brutal_kill", "infinity", 0, 1_000, "5s"] as const;

function combination(
  strategy: Strategy | "dynamic",
  autoShutdown: AutoShutdown,
  restart: Restart,
  shutdown: Shutdown | "5s",
  significant: boolean,
  kind: "worker" | "supervisor",
): string {
  const settings = { restart, shutdown, significant };
  const spec = () =>
    kind === "worker"
      ? child("c1", work, { args: undefined, ...settings })
      : supervisor("c1", settings, []);
  return verdict(() => {
    if (strategy !== "dynamic") return supervisor("s", { strategy, autoShutdown }, [spec()]);
    if (kind === "worker") return dynamic("s", {}, work, settings);
    return dynamic("s", {}, spec() as ReturnType<typeof supervisor>);
  });
}

describe("the full product of options", () => {
  for (const strategy of STRATEGIES) {
    test(`SUP-027 ${strategy}: significant excludes never and permanent, nothing else`, () => {
      let combinations = 0;
      for (const auto of AUTO) {
        for (const restart of RESTARTS) {
          for (const shutdown of SHUTDOWNS) {
            for (const significant of [true, false]) {
              for (const kind of ["worker", "supervisor"] as const) {
                const never = auto === "never" || strategy === "dynamic";
                const code = combination(strategy, auto, restart, shutdown, significant, kind);
                if (significant && (never || restart === "permanent")) {
                  expect(code).toMatch(/^E_SPEC_COMBINATION significant: true/);
                } else expect(code).toBe("ok");
                combinations++;
              }
            }
          }
        }
      }
      expect(combinations).toBe(720 / STRATEGIES.length);
    });
  }

  test("SUP-027 the combination is checked for children started by hand as well", async () => {
    const t = new Bench();
    await t.sup({ autoShutdown: "never" }, []);
    const spec = t.w("c1", { restart: "transient", significant: true });
    const answer = await t.admin(start(spec));
    expect(answer).toMatchObject({ error: "bad_spec" });
    expect((answer as { message: string }).message).toMatch(/autoShutdown: never/);
    expect(await t.kids()).toEqual([]);
  });
});

test("SUP-028 wrong flags are refused and named; unknown ones are ignored", () => {
  expect(badFlags({ strategy: "none" })).toMatch(/^E_SPEC_STRATEGY strategy: "none"/);
  expect(badFlags({ strategy: "simple_one_for_one" })).toMatch(/^E_SPEC_STRATEGY strategy/);
  expect(badFlags({ intensity: -1 })).toMatch(/^E_SPEC_RANGE intensity: -1/);
  expect(badFlags({ intensity: 1.5 })).toMatch(/^E_SPEC_RANGE intensity: 1.5/);
  expect(badFlags({ intensity: Number.POSITIVE_INFINITY })).toMatch(/^E_SPEC_RANGE intensity/);
  expect(badFlags({ intensity: "2" })).toMatch(/^E_SPEC_RANGE intensity: "2"/);
  expect(badFlags({ period: 0 })).toMatch(/^E_SPEC_RANGE period: 0/);
  expect(badFlags({ period: Number.POSITIVE_INFINITY })).toMatch(/^E_UNITS/);
  expect(badFlags({ period: "infinity" })).toMatch(/^E_UNITS "infinity"/);
  expect(badFlags({ autoShutdown: "sometimes" })).toMatch(/^E_SPEC_STRATEGY autoShutdown/);
  expect(badFlags({ silly: true })).toBe("ok");
  expect(badFlags({})).toBe("ok");
});

test("SUP-028 the flags of a dynamic supervisor are checked alike", async () => {
  const flags = (of: Record<string, unknown>) => verdict(() => dynamic("s", of, work));
  expect(flags({ intensity: -1 })).toMatch(/^E_SPEC_RANGE intensity/);
  expect(flags({ period: 0 })).toMatch(/^E_SPEC_RANGE period/);
  expect(flags({ maxChildren: -1 })).toMatch(/^E_SPEC_RANGE maxChildren/);
  expect(flags({ silly: true })).toBe("ok");
  const t = new Bench();
  expect(await t.dyn({ intensity: 0 })).toBe("ok");
  expect(await t.admin(make())).toEqual({ ok: "#1" });
});
