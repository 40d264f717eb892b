// A power cut, as far as a file can tell: of what SQLite had written and not flushed, any part may be
// missing or torn. After each acknowledged commit its files are as the disk may have them at worst;
// what was written later is cut anywhere, or garbled. What was acknowledged must be there, and
// nothing half. This trusts SQLite to flush before it answers (synchronous = FULL), and fsync to do
// what it says: a drive that lies is another matter.

import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { decode, encode } from "../../src/store/codec.ts";
import { openSqlite, type SqliteEngine } from "../../src/store/sqlite.ts";
import { commit, load, mail } from "../tck/store-ops.ts";
import { randomFrom } from "../tck/store-random.ts";

const COMMITS = 40;
const CUTS_EACH = 6;

let folder: string;
let engine: SqliteEngine;

beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), "coppice-power-"));
  engine = openSqlite(join(folder, "live"), { durability: "flushed" });
});
afterEach(() => {
  engine.close();
  fs.rmSync(folder, { recursive: true, force: true });
});

const live = (name: string) => join(folder, "live", name);
const filler = (n: number) => String.fromCharCode(97 + (n % 26)).repeat((n * 977) % 12_000);

/** Commit n: the state says n, one letter is acked, one sent to oneself and one to the log. */
function step(n: number, seq: number): number {
  const first = n === 0 ? { created: { args: encode(null) } } : { acks: [seq] };
  const mails = [mail("/w/a", n + 1), mail("/w/log", n)];
  const state = encode({ n, filler: filler(n) });
  const answers = engine.execute([commit("/w/a", 1, { ...first, state, mails })]);
  const [answer] = answers;
  return answer?.kind === "committed" ? (answer.seqs[0] as number) : 0;
}

/** What a store says after it has been opened where the power came back. */
function after(cut: string): number {
  const found = openSqlite(cut, { durability: "flushed" });
  try {
    const [answer] = found.execute([load("/w/a", 0)]);
    const stored = answer?.kind === "loaded" ? answer.stored : null;
    if (stored === null) return -1;
    const { n, filler: text } = decode(stored.state) as { n: number; filler: string };
    expect(text).toBe(filler(n));
    expect(stored.mail.map(({ body }) => decode(body))).toEqual([n + 1]);
    const log = found.waiting("/w/log").map(({ body }) => decode(body));
    expect(log).toEqual(Array.from({ length: n + 1 }, (_, i) => i));
    return n;
  } finally {
    found.close();
  }
}

test("cut anywhere behind the last answer, or torn there: all that was answered, nothing half", () => {
  const random = randomFrom(11);
  const state = encode(null);
  engine.execute([commit("/w/log", 1, { created: { args: encode(null) }, state })]);
  let seq = 0;
  let cuts = 0;
  let whole = 0;
  for (let n = 0; n < COMMITS; n++) {
    const safe = fs.statSync(live("coppice.db-wal")).size;
    const file = fs.readFileSync(live("coppice.db"));
    seq = step(n, seq);
    const log = fs.readFileSync(live("coppice.db-wal"));
    for (let cut = 0; cut < CUTS_EACH; cut++) {
      const target = join(folder, `cut-${n}-${cut}`);
      fs.mkdirSync(target);
      fs.writeFileSync(join(target, "coppice.db"), file);
      const end = cut === 0 ? log.length : safe + Math.floor(random() * (log.length - safe));
      const kept = Buffer.from(log.subarray(0, end));
      // Sectors that never came, between some that did.
      if (cut >= 3) {
        for (let at = safe; at < end; at += 512) {
          if (random() < 0.2) kept.fill(cut === 3 ? 0 : 0xa5, at, Math.min(at + 512, end));
        }
      }
      fs.writeFileSync(join(target, "coppice.db-wal"), kept);
      const found = after(target);
      // The commit before is there; this one is there as a whole, or not at all.
      expect([n - 1, n]).toContain(found);
      if (cut === 0) expect(found).toBe(n);
      if (found === n) whole++;
      cuts++;
      fs.rmSync(target, { recursive: true });
    }
  }
  expect(cuts).toBe(COMMITS * CUTS_EACH);
  expect(whole).toBeGreaterThanOrEqual(COMMITS);
  expect(whole).toBeLessThan(cuts);
});

test("cut while the log is brought into the file: the log has all of it", () => {
  const random = randomFrom(12);
  engine.execute([commit("/w/log", 1, { created: { args: encode(null) }, state: encode(null) })]);
  let seq = 0;
  for (let n = 0; n < COMMITS; n++) seq = step(n, seq);
  const before = fs.readFileSync(live("coppice.db"));
  const log = fs.readFileSync(live("coppice.db-wal"));
  engine.close();
  const done = fs.readFileSync(live("coppice.db"));
  const page = 4_096;
  for (let cut = 0; cut < 60; cut++) {
    const target = join(folder, `file-${cut}`);
    fs.mkdirSync(target);
    // Each sector that was being written is as it was, as it was to be, or neither.
    const length = random() < 0.5 ? done.length : before.length;
    const mixed = Buffer.from(done.subarray(0, length));
    for (let at = 0; at < length; at += 512) {
      const from = at - (at % page);
      const old = before.subarray(from, from + page);
      if (old.equals(done.subarray(from, from + page))) continue;
      const chance = random();
      if (chance < 0.4 && at < before.length) before.copy(mixed, at, at, at + 512);
      else if (chance < 0.5 && at >= page) mixed.fill(0xa5, at, at + 512);
    }
    fs.writeFileSync(join(target, "coppice.db"), mixed);
    fs.writeFileSync(join(target, "coppice.db-wal"), log);
    expect(after(target)).toBe(COMMITS - 1);
    fs.rmSync(target, { recursive: true });
  }
});

test("what a store that is only committed loses at a cut is whole commits, the last ones", () => {
  engine.close();
  engine = openSqlite(join(folder, "live"), { durability: "committed" });
  engine.execute([commit("/w/log", 1, { created: { args: encode(null) }, state: encode(null) })]);
  const random = randomFrom(13);
  const ends = [fs.statSync(live("coppice.db-wal")).size];
  let seq = 0;
  for (let n = 0; n < 20; n++) {
    seq = step(n, seq);
    ends.push(fs.statSync(live("coppice.db-wal")).size);
  }
  const file = fs.readFileSync(live("coppice.db"));
  const log = fs.readFileSync(live("coppice.db-wal"));
  for (let cut = 0; cut < 60; cut++) {
    const target = join(folder, `late-${cut}`);
    fs.mkdirSync(target);
    const end = Math.floor((ends[0] as number) + random() * (log.length - (ends[0] as number)));
    fs.writeFileSync(join(target, "coppice.db"), file);
    fs.writeFileSync(join(target, "coppice.db-wal"), log.subarray(0, end));
    expect(after(target)).toBe(ends.filter((each) => each <= end).length - 2);
    fs.rmSync(target, { recursive: true });
  }
});
