/**
 * Owns: `coppice store stat|verify|compact`: a data folder, looked at from outside of any node.
 * Does not own: what is in it (store/survey.ts).
 */
import { ActorError } from "../actor/errors.ts";
import { compactStore, type StoreStat, statStore, verifyStore } from "../store/survey.ts";
import type { Run } from "./arguments.ts";
import { folderOf } from "./folder.ts";
import { type Cell, table } from "./terminal.ts";
import { age, grouped, jsonText, plural, printableLines } from "./words.ts";

/** A result for programs and for people, and the exit status. */
interface Said {
  readonly value: unknown;
  readonly rows: Cell[][];
  readonly status: number;
}

export const store: Run = async (input, io) => {
  const [verb = ""] = input.operands;
  const look = verbOf(verb);
  const { value, rows, status } = look(await folderOf(input, io));
  if (input.flags.has("json")) io.out.write(jsonText(value));
  else io.out.write(table(rows, io).join("\n").concat("\n"));
  return status;
};

function verbOf(verb: string): (folder: string) => Said {
  if (verb === "stat") return stat;
  if (verb === "verify") return verify;
  if (verb === "compact") return compact;
  const fix = "coppice store --help shows what it takes";
  throw new ActorError("E_USAGE", `coppice store has no verb ${JSON.stringify(verb)}`, { fix });
}

function stat(folder: string): Said {
  const value = statStore(folder);
  const { file, schema, epoch, owner, fileBytes, logBytes, freeBytes, holds } = value;
  const who = owner === null ? "nobody" : `process ${owner.pid}, since ${owner.since}`;
  const rows: Cell[][] = [
    ["file", `${file}, schema ${schema}`],
    ["opened", `${plural(epoch, "time")} by an owner`],
    ["owner", who],
    ["size", `${size(fileBytes)}, ${size(freeBytes)} of it free; log ${size(logBytes)}`],
    ...Object.entries(holds).map(([name, { count, bytes }]): Cell[] => [
      name,
      `${grouped(count)}${count === 0 ? "" : `, ${size(bytes)}`}`,
    ]),
  ];
  return { value, rows: [...rows, ...extremes(value)], status: 0 };
}

function extremes({ largestState, longestMailbox, oldestDead }: StoreStat): Cell[][] {
  const rows: Cell[][] = [];
  if (largestState) rows.push(["largest", `${size(largestState.bytes)}, ${largestState.path}`]);
  if (longestMailbox) {
    rows.push(["longest", `${plural(longestMailbox.count, "message")}, ${longestMailbox.path}`]);
  }
  if (oldestDead) rows.push(["oldest", `dead letter, ${age(Date.now() - Date.parse(oldestDead))}`]);
  return rows;
}

function verify(folder: string): Said {
  const value = verifyStore(folder);
  const count = Object.values(value.checked).reduce((sum, each) => sum + each, 0);
  const more = value.problems - value.first.length;
  const rows = [
    ...value.first.map((each): Cell[] => [printableLines(each)]),
    ...(more > 0 ? [[`… ${grouped(more)} more`]] : []),
    [`${plural(count, "value")} read, ${plural(value.problems, "problem")}`],
  ];
  return { value, rows, status: value.problems === 0 ? 0 : 1 };
}

function compact(folder: string): Said {
  const value = compactStore(folder);
  const rows = [[`${size(value.bytesBefore)} before, ${size(value.bytesAfter)} after`]];
  return { value, rows, status: 0 };
}

/** 1234567 → "1.2 MB". */
function size(bytes: number): string {
  if (bytes < 10_000) return plural(bytes, "byte");
  return bytes < 1e6 ? `${Math.round(bytes / 1_000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
