/** `npm run soak -- aborts [COUNT]`: what takes too long for npm test. Prints one JSON line. */
import { aborts } from "./aborts.ts";

const [name = "", count = "10000"] = process.argv.slice(2);
if (name !== "aborts" || !/^\d+$/.test(count)) {
  process.stderr.write("usage: npm run soak -- aborts [COUNT]\n");
  process.exit(2);
}
const report = await aborts(Number(count));
process.stdout.write(`${JSON.stringify(report)}\n`);
const flat = report.rssLateMb < report.rssEarlyMb + 100;
const right = report.others.length + report.threadsLost + report.neighboursWrong === 0;
process.exitCode = flat && right && report.aborts >= Number(count) ? 0 : 1;
