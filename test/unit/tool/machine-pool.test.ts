// A machine serves one call: what was given out is destroyed, never given out again, and what was changed
// in a template is never copied again.

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Machine } from "../../../src/tool/machine.ts";
import { MachinePool } from "../../../src/tool/machine-pool.ts";
import type { Monitor, Place } from "../../../src/tool/monitor.ts";
import type { Shape } from "../../../src/tool/qemu.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "coppice-pool-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const { signal } = new AbortController();
const shape = { image: { key: "k" }, accelerator: "tcg", memoryMb: 1, vcpus: 1 } as Shape;

/** Machines without any process; what is done to each is written down. */
function scripted() {
  const log: string[] = [];
  const templates: string[] = [];
  let count = 0;
  const machineOf = (place: Place) => {
    const name = `m${count++}`;
    const machine = {
      alive: true,
      send: () => true,
      expect: async (type: string) => ({ type, payload: Buffer.alloc(0) }),
      hold: () => log.push(`${name} held`),
      go: () => log.push(`${name} goes`),
      async save() {
        for (const file of ["ram", "state"]) writeFileSync(join(place.folder, file), "x");
      },
      async destroy() {
        machine.alive = false;
        log.push(`${name} destroyed`);
      },
    };
    return machine as unknown as Machine;
  };
  const monitor: Monitor = {
    name: "qemu",
    async boot(place) {
      templates.push(place.folder);
      mkdirSync(place.folder, { recursive: true });
      return machineOf(place);
    },
    async copy(place, made) {
      const machine = machineOf(place);
      made(machine);
      return machine;
    },
  };
  return { log, templates, pool: new MachinePool(monitor, folder, 2) };
}

test("no machine is given out twice; what was used is destroyed", async () => {
  const { pool } = scripted();
  const given = new Set<Machine>();
  // More than there may be at a time.
  for (let turn = 0; turn < 40; turn++) {
    const machine = (await pool.claim(shape, signal)) as Machine;
    expect(machine.alive).toBe(true);
    expect(given.has(machine)).toBe(false);
    given.add(machine);
    await pool.release(machine);
    expect(machine.alive).toBe(false);
    await pool.settled();
  }
  await pool.close();
  expect(pool.counts()).toEqual({ machines: 0, templates: 0 });
});

test("copies wait held, and go when they are claimed; a dead one is not given out", async () => {
  const { pool, log } = scripted();
  await pool.release((await pool.claim(shape, signal)) as Machine);
  await pool.settled();
  expect(log.filter((line) => line.endsWith("held"))).toHaveLength(2);
  expect(log.filter((line) => line.endsWith("goes"))).toHaveLength(0);
  const warm = (await pool.claim(shape, signal)) as Machine;
  expect(log.filter((line) => line.endsWith("goes"))).toHaveLength(1);
  await pool.settled();
  const next = (await pool.claim(shape, signal)) as Machine;
  await next.destroy(); // as if QEMU had been killed while it waited
  for (const each of [warm, next]) await pool.release(each);
  await pool.close();
});

test("no copy is made beside a call that has just begun; behind it there are two", async () => {
  const { pool, log } = scripted();
  const turn = () => new Promise((resolve) => setTimeout(resolve, 20));
  const held = () => log.filter((line) => line.endsWith("held")).length;
  const machine = (await pool.claim(shape, signal)) as Machine;
  await turn();
  expect(pool.counts()).toMatchObject({ machines: 1 });
  pool.discard(machine);
  await turn();
  expect(machine.alive).toBe(false);
  expect(held()).toBe(2);
  const long = (await pool.claim(shape, signal)) as Machine;
  await turn();
  expect(held()).toBe(2);
  const until = Date.now() + 5_000; // a call that takes long does not keep the others waiting
  while (held() < 3 && Date.now() < until) await turn();
  expect(held()).toBe(3);
  pool.discard(long);
  await pool.close();
  expect(pool.counts()).toEqual({ machines: 0, templates: 0 });
});

test("a template that was changed is made anew", async () => {
  const { pool, templates } = scripted();
  await pool.release((await pool.claim(shape, signal)) as Machine);
  await pool.settled();
  expect(templates).toHaveLength(1);
  writeFileSync(join(templates[0] as string, "ram"), "changed");
  await pool.release((await pool.claim(shape, signal)) as Machine);
  await pool.settled();
  expect(templates).toHaveLength(2);
  expect(readdirSync(folder)).toHaveLength(1);
  await pool.close();
});
