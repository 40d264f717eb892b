/** `npm run soak`: what takes too long for npm test. Prints one JSON line. */
import { parseArgs } from "node:util";
import { ISOLATED_TIERS } from "../../src/actor/outcome.ts";
import { aborts } from "./aborts.ts";
import { flat, sandboxes } from "./sandboxes.ts";

async function soakAborts(count: number): Promise<boolean> {
  const report = await aborts(count);
  process.stdout.write(`${JSON.stringify(report)}\n`);
  const level = report.rssLateMb < report.rssEarlyMb + 100;
  const right = report.others.length + report.threadsLost + report.neighboursWrong === 0;
  return level && right && report.aborts >= count;
}

async function soakSandboxes(count: number): Promise<boolean> {
  const reports = await sandboxes(count, tier);
  process.stdout.write(`${JSON.stringify(reports)}\n`);
  return reports.length > 0 && reports.every(flat);
}

const USAGE = `usage: npm run soak -- aborts [--count COUNT]
       npm run soak -- sandboxes [--count COUNT] [--tier TIER]
`;
const options = { count: { type: "string" }, tier: { type: "string" } } as const;

function refuse(): never {
  process.stderr.write(USAGE);
  process.exit(2);
}

function wanted() {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch {
    return refuse();
  }
}

const { values, positionals } = wanted();
const [name = "", more] = positionals;
const tier = values.tier ?? null;
const soaks = { aborts: [soakAborts, "10000"], sandboxes: [soakSandboxes, "1000"] } as const;
const known = Object.hasOwn(soaks, name) ? soaks[name as keyof typeof soaks] : null;
const count = String(values.count ?? more ?? known?.[1]);
const isTier = tier === null || ISOLATED_TIERS.some((each) => each === tier);
if (known === null || !isTier || positionals.length > 2 || !/^\d{1,7}$/.test(count)) {
  refuse();
}
process.exitCode = (await known[0](Number(count))) ? 0 : 1;
