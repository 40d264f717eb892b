// `coppice top`: rates between two looks, once and refreshed in place.

import { describe, expect, test } from "vitest";
import { compare } from "../../src/cli/rates.ts";
import { cli, FakeNode, ownFolder, row, serve, supervisorRow } from "./stage.ts";

ownFolder();

/** A node on which, from one look to the next, half a second passes and work is done. */
class BusyNode extends FakeNode {
  constructor() {
    super([supervisorRow("/desk"), row("/desk/a"), row("/desk/b", { mail: 9 }), row("/desk/c")]);
    this.before = () => {
      this.nowMs += 500;
      const more = [0, 1_000, 100, 0];
      this.rows = this.rows.map((each, index) => ({
        ...each,
        reductions: each.reductions + (more[index] ?? 0),
        handled: each.handled + (more[index] ?? 0) / 100,
      }));
    };
  }
}

const paths = (out: string) => out.match(/^\/\S+/gm);

describe("once", () => {
  test("prints one table after one window", async () => {
    const fake = new BusyNode();
    await serve(fake);
    const { status, out } = await cli(["top", "--once", "--window", "100ms"]);
    expect(status).toBe(0);
    expect(out).toBe(
      [
        "PATH     RUNS         THREAD  MAIL  RED/S  HANDLED/S  RESTARTS  MOVES  STATUS",
        "/desk/a  worker            1     0   2.0k         20         0      0  idle",
        "/desk/b  worker            1     9    200          2         0      0  idle",
        "/desk    one_for_one       0     0      0          0         0      0  idle",
        "/desk/c  worker            1     0      0          0         0      0  idle",
        "",
      ].join("\n"),
    );
    expect(fake.asked).toEqual(["tree", "tree"]);
  });

  test("by mailbox, limited, as JSON", async () => {
    await serve(new BusyNode());
    const args = ["top", "--by", "mailbox", "--limit", "2", "--window", "100ms"];
    expect(paths((await cli(args)).out)).toEqual(["/desk/b", "/desk/a"]);
    const rows = JSON.parse((await cli([...args, "--json"])).out);
    expect(rows).toMatchObject([
      { path: "/desk/b", mailbox: 9, reductions: 200, handled: 2 },
      { path: "/desk/a", mailbox: 0, reductions: 2_000, handled: 20 },
    ]);
  });

  test("restarts are starts after the first; a new life counts from zero", async () => {
    const fake = new FakeNode([]);
    fake.rows = [row("/a", { reductions: 5_000 }), row("/b", { reductions: 40 })];
    const before = await fake.tree();
    fake.nowMs += 1_000;
    fake.rows = [row("/a", { incarnation: 2, reductions: 30 }), row("/b", { reductions: 50 })];
    const rows = compare(before, await fake.tree(), "restarts");
    expect(rows.map(({ path, reductions, restarts }) => [path, reductions, restarts])).toEqual([
      ["/a", 30, 1],
      ["/b", 10, 0],
    ]);
  });
});

describe("in place", () => {
  const terminal = { columns: 80, rows: 8 };

  test.each(["q", "\u0003", "\u001b"])("%j quits and gives the terminal back", async (key) => {
    const fake = new BusyNode();
    await serve(fake);
    let released = false;
    const { status, out } = await cli(["top", "--window", "100ms"], {
      terminal,
      onKey: (listener) => {
        listener("x");
        const timer = setInterval(() => fake.asked.length > 2 && listener(key), 20);
        return () => {
          clearInterval(timer);
          released = true;
        };
      },
    });
    expect({ status, released }).toEqual({ status: 0, released: true });
    expect(fake.asked.length).toBeGreaterThan(2);
    expect(out.startsWith("\u001b[?1049h\u001b[?25l\u001b[H")).toBe(true);
    expect(out.endsWith("\u001b[?25h\u001b[?1049l")).toBe(true);
    const [frame = ""] = out.split("\u001b[H").slice(-1);
    expect(frame.split("\n").length).toBeLessThanOrEqual(terminal.rows);
    expect(frame).toContain("by reductions in 100ms, q quits");
    expect(frame).toContain("… 1 more");
  });

  test("a node that goes away ends it with an error, the terminal given back", async () => {
    const fake = new BusyNode();
    await serve(fake);
    let looks = 0;
    fake.before = () => {
      looks++;
      if (looks > 2) throw new Error("gone");
    };
    const { status, out, err } = await cli(["top", "--window", "100ms"], { terminal });
    expect(status).toBe(1);
    expect(out.endsWith("\u001b[?25h\u001b[?1049l")).toBe(true);
    expect(err).toContain("gone");
  });
});

test.each([
  [["--window", "0ms"], /outside of 100 ms/],
  [["--window", "soon"], /no time span/],
  [["--by", "mail"], /did you mean mailbox\?/],
  [["--limit", "0"], /no whole number from 1/],
])("%j is refused", async (args, text) => {
  const { status, err } = await cli(["top", ...args]);
  expect(status).toBe(2);
  expect(err).toMatch(/^coppice: E_USAGE: /);
  expect(err).toMatch(text);
});
