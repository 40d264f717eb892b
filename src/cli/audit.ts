/**
 * Owns: `coppice audit [verify]`: the record of decisions of a data folder, read from its files, so
 * that it can be checked without trusting, or starting, a node.
 * Does not own: what the chain is (tool/audit.ts).
 */
import { existsSync } from "node:fs";
import { ActorError } from "../actor/errors.ts";
import { type AuditLine, type AuditReading, readAudit } from "../tool/audit.ts";
import { type Input, integerOption, type Run } from "./arguments.ts";
import { folderOf } from "./folder.ts";
import { type Cell, type Io, table } from "./terminal.ts";
import { jsonText, plural } from "./words.ts";

async function auditedFolder(input: Input, io: Io): Promise<string> {
  const folder = await folderOf(input, io);
  if (existsSync(folder)) return folder;
  throw new ActorError("E_USAGE", `there is no data folder ${folder}`, {
    at: "coppice audit",
    fix: "name it: coppice audit --data DIR",
  });
}

const STYLES = { allow: "green", deny: "red", ask: "yellow" } as const;

function rowOf({ seq, at, path, tool, decision, why, by }: AuditLine): Cell[] {
  return [String(seq), at, { text: decision, style: STYLES[decision] }, tool, path, by, why];
}

function verdictOf({ lines, files, dropped, head, fault }: AuditReading): string {
  if (fault !== null) return `BROKEN at ${fault.at}: ${fault.what}`;
  const gone = dropped === 0 ? "" : `, the first ${plural(dropped, "line")} gone with old files`;
  return `whole: ${plural(lines.length, "line")} in ${plural(files, "file")}${gone}; head ${head.hash}`;
}

/** Does the record end as somebody who kept its head elsewhere says? */
function endsAs(reading: AuditReading, wanted: string | undefined): AuditReading {
  const { lines, head, fault } = reading;
  if (wanted === undefined || fault !== null || wanted === head.hash) return reading;
  const known = lines.some((each) => each.hash === wanted);
  if (known) return reading;
  return { ...reading, fault: { at: "its end", what: `the head ${wanted} is not in it any more` } };
}

export const audit: Run = async (input, io) => {
  const [word] = input.operands;
  if (word !== undefined && word !== "verify") {
    const fix = "write coppice audit, or coppice audit verify";
    throw new ActorError("E_USAGE", `coppice audit knows no ${JSON.stringify(word)}`, { fix });
  }
  const limit = integerOption(input, "limit", [1, 1_000_000]) ?? 50;
  const reading = endsAs(readAudit(await auditedFolder(input, io)), input.values.get("head"));
  const { lines, fault, head, files, dropped } = reading;
  const shown = word === "verify" ? [] : lines.slice(-limit);
  const status = fault === null ? 0 : 1;
  if (input.flags.has("json")) {
    const counted = { whole: fault === null, fault, head, files, dropped, total: lines.length };
    io.out.write(jsonText(word === "verify" ? counted : { ...counted, lines: shown }));
    return status;
  }
  for (const line of table(shown.map(rowOf), io)) io.out.write(`${line}\n`);
  io.out.write(`${verdictOf(reading)}\n`);
  return status;
};
