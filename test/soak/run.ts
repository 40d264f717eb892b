/**
 * `npm run soak -- aborts [COUNT]`, `npm run soak -- sandboxes [--count COUNT]`: what takes too long
 * for npm test. Prints one JSON line.
 */
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
  const reports = await sandboxes(count);
  process.stdout.write(`${JSON.stringify(reports)}\n`);
  return reports.length > 0 && reports.every(flat);
}

const [name = "", ...rest] = process.argv.slice(2).filter((word) => word !== "--count");
const soaks = { aborts: [soakAborts, "10000"], sandboxes: [soakSandboxes, "1000"] } as const;
const known = Object.hasOwn(soaks, name) ? soaks[name as keyof typeof soaks] : null;
const count = rest[0] ?? known?.[1] ?? "";
if (known === null || rest.length > 1 || !/^\d{1,7}$/.test(count)) {
  process.stderr.write("usage: npm run soak -- aborts [COUNT] | sandboxes [--count COUNT]\n");
  process.exit(2);
}
process.exitCode = (await known[0](Number(count))) ? 0 : 1;
