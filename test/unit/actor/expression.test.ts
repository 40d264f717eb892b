/** Expressions of policies: none may take for ever, and 1,000 of them cost one pass over the text. */
import { type Rule, rules } from "coppice";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { known } from "../../../src/actor/expression.ts";

describe("what takes exponential time is refused", () => {
  test.each([
    /(a+)+$/,
    /^(a*)*b/,
    /([a-z]+)*x/,
    /^(\w+\s?)*$/,
    /(a|a)*b/,
    /(a|ab|b)*c/,
    /(.*,)*x/,
    /((a+)b?)*c/,
    /(?:(?:x+)y{0,3})+z/,
    /(\w+\d+)+!/,
    /(a+){20,}b/,
    /(?<w>a+)+\k<w>c/,
    /(A|a)+b/i,
    /a(a|b?b?){2,}!/,
    /((a?){9}){9}b/,
    /^(.*a){8}b/,
  ])("%s", (matches) => {
    expect(known(matches).fault).not.toBeNull();
    const rule: Rule = { input: { text: { matches } }, decision: { deny: "no" } };
    expect(() => rules([rule])).toThrow("may take for ever");
  });
});

describe("what people write is not", () => {
  test.each([
    /^([a-z0-9-]+\.)*example\.com$/,
    /^(\/[^/]+)+$/,
    /\brm\s+-rf?\s+\//,
    /curl .*\| *(ba)?sh/,
    /^(GET|POST) \/api\/v\d+\/\w+$/,
    /(foo|bar)+/,
    /^\d{4}-\d{2}-\d{2}$/,
    /[A-Z]{2}\d{2}(?: ?\d{4}){4}/,
    /password|secret|token/i,
    /^(?!.*\.\.)[\w./-]+$/,
  ])("%s", (matches) => {
    expect(known(matches).fault).toBeNull();
    expect(known(matches).longest).toBeGreaterThan(500);
  });
});

test.each([
  [/^word17$/, "word17"],
  [/rm\s+-rf\s+\/dir5/, "/dir5"],
  [/colou?r red/, "r red"],
  [/ab+cde/, "cde"],
  [/abc|def/, ""],
  [/(abc)def/, "def"],
  [/abcd?/, "abc"],
  [/abc/i, ""],
  [/user\.name@/, "user.name@"],
  [/ab*c/, "a"],
])("%s holds %j in each match", (expression, literal) => {
  expect(known(expression).literal).toBe(literal);
});

test("with an index or without, the same rule decides", () => {
  const word = fc.stringMatching(/^[abc]{1,4}$/);
  const pieces = fc.constantFrom(
    "a",
    "b",
    "c",
    "ab",
    "bca",
    "a?",
    "b+",
    "[ab]",
    ".",
    "^",
    "$",
    "(ab|c)",
    "ca*",
  );
  const sources = fc.array(fc.array(pieces, { minLength: 1, maxLength: 4 }), { maxLength: 8 });
  const property = fc.property(sources, fc.array(word, { maxLength: 4 }), (lists, words) => {
    const expressions = lists.map((each) => new RegExp(each.join("").replaceAll("^^", "^")));
    const safe = expressions.filter((each) => known(each).fault === null);
    const text = words.join("");
    const policy = rules(
      safe.map((matches, n) => ({ input: { text: { matches } }, decision: { deny: `${n}` } })),
    );
    const first = safe.findIndex((each) => each.test(text));
    const said = policy({ path: "/a", tool: "t", tier: "inline", input: { text } });
    expect(said).toEqual(first < 0 ? "allow" : { deny: `${first}` });
  });
  fc.assert(property, { numRuns: 2_000 });
});

test("a text that is too long to be judged is denied by an error, not let pass", () => {
  const matches = /a.*b.*c.*d/;
  const policy = rules([{ input: { text: { matches } }, decision: { deny: "no" } }]);
  const call = { path: "/a", tool: "t", tier: "inline" } as const;
  expect(policy({ ...call, input: { text: "abc" } })).toBe("allow");
  const text = "abc".repeat(known(matches).longest);
  expect(() => policy({ ...call, input: { text } })).toThrow("text is too long for");
});
