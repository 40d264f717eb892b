/**
 * Owns: `coppice top`: who does most within a window of time.
 * Does not own: the rates (rates.ts), refreshing in place (screen.ts).
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type Input, integerOption, type Run, spanOption, wordOption } from "./arguments.ts";
import { type Client, withNode } from "./client.ts";
import { compare, drawRates, ORDERS } from "./rates.ts";
import { refresh, type Settings } from "./screen.ts";
import type { Io } from "./terminal.ts";
import { jsonText } from "./words.ts";

function settingsOf(input: Input): Settings {
  return {
    windowMs: spanOption(input, "window", 1_000, [100, 3_600_000]),
    by: wordOption(input, "by", ORDERS) ?? "reductions",
    limit: integerOption(input, "limit", [1, 100_000]),
  };
}

export const top: Run = (input, io) => {
  const settings = settingsOf(input);
  const json = input.flags.has("json");
  const once = input.flags.has("once") || json || io.terminal === null;
  return withNode(input, io, (client) =>
    once ? printOnce(client, settings, json, io) : refresh(client, settings, io),
  );
};

async function printOnce(
  client: Client,
  settings: Settings,
  json: boolean,
  io: Io,
): Promise<number> {
  const before = await client.tree();
  await sleep(settings.windowMs);
  const rows = compare(before, await client.tree(), settings.by).slice(0, settings.limit ?? 20);
  if (json) io.out.write(jsonText(rows));
  else
    io.out.write(
      drawRates(rows, io)
        .map((line) => `${line}\n`)
        .join(""),
    );
  return 0;
}
