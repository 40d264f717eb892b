/**
 * Owns: the children of a supervisor in one partition, in Lua: some of all, and those for whom
 * something waits; a part of the batch script (redis-script.ts), with the answers' readers.
 * Does not own: keeping the indexes (redis-mailbox.ts).
 */
import { number, type Reply, text } from "./redis-wire.ts";
import { handedOutOf, NEWEST, type StoreAnswer, type StoreOp } from "./store.ts";

export const CHILDREN = `
function ops.page()
  local path, born, max = take(), take(), take()
  local list = base .. 'c:' .. path
  return { call('ZCARD', list), call('ZREVRANGE', list, 0, ${NEWEST - 1}),
    call('ZRANGEBYSCORE', list, born, '+inf', 'WITHSCORES', 'LIMIT', 0, max) }, {}
end

-- What was stored before there were indexes.
local function complete(path)
  if call('HSETNX', meta, 'x' .. path, '1') == 0 then return end
  for _, id in ipairs(call('ZRANGE', base .. 'c:' .. path, 0, -1)) do
    local child = path .. '/' .. id
    if call('EXISTS', base .. 'm:' .. child) == 1 then call('ZADD', base .. 'w:' .. path, 0, id) end
    local rows = call('HGETALL', base .. 't:' .. child)
    for i = 1, #rows, 2 do
      if string.sub(rows[i], 1, 1) == 'd' then clock(child, string.sub(rows[i], 2), rows[i + 1]) end
    end
  end
end

function ops.due()
  local path, now, after, max = take(), take(), take(), take()
  complete(path)
  local times = base .. 'd:' .. path
  local from = after == '' and '-' or '(' .. after
  return { call('ZRANGEBYLEX', base .. 'w:' .. path, from, '+', 'LIMIT', 0, max),
    call('ZRANGEBYSCORE', times, '-inf', now),
    call('ZRANGEBYSCORE', times, '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1) }, {}
end
`;

type PageOp = Extract<StoreOp, { kind: "page" }>;
type DueOp = Extract<StoreOp, { kind: "due" }>;
export type ChildrenOp = PageOp | DueOp;

/** A place between children of all partitions: time of a birth, and an id. */
function placeOf(after: string): { born: number; id: string } {
  const [, born = "0", id = ""] = /^(\d+) (.*)$/s.exec(after) ?? [];
  return { born: Number(born), id };
}

/** What asks one partition. (More by one than is wanted: at the place itself one may be.) */
export function childrenArgs(op: ChildrenOp): string[] {
  if (op.kind === "due") return ["due", op.path, String(op.atMs), op.after, String(op.max)];
  return ["page", op.path, String(placeOf(op.after).born), String(op.max + 2)];
}

/** One answer of those of all partitions. */
export function childrenOf(op: ChildrenOp, replies: readonly (readonly Reply[])[]): StoreAnswer {
  return op.kind === "due" ? dueOf(op, replies) : pageOf(op, replies);
}

function pageOf({ after, max }: PageOp, replies: readonly (readonly Reply[])[]): StoreAnswer {
  const place = placeOf(after);
  const found: { id: string; born: number }[] = [];
  let total = 0;
  let handedOut = 0;
  for (const [count, newest, rows] of replies as [Reply, Reply[], Reply[]][]) {
    total += number(count);
    handedOut = Math.max(handedOut, handedOutOf(newest.map(text)));
    for (let at = 0; at < rows.length; at += 2) {
      const [id, born] = [text(rows[at]), number(rows[at + 1])];
      const behind = born > place.born || (born === place.born && id > place.id);
      if (behind) found.push({ id, born });
    }
  }
  found.sort((a, b) => a.born - b.born || (a.id < b.id ? -1 : 1));
  const page = found.slice(0, max);
  const last = page.at(-1);
  const next = found.length > max && last ? `${last.born} ${last.id}` : "";
  return { kind: "paged", ids: page.map(({ id }) => id), next, total, handedOut };
}

function dueOf({ after, max }: DueOp, replies: readonly (readonly Reply[])[]): StoreAnswer {
  const ids = new Set<string>();
  let nextMs: number | null = null;
  for (const [mail, timers, next] of replies as [Reply[], Reply[], Reply[]][]) {
    for (const id of mail) ids.add(text(id));
    for (const timer of timers) ids.add(text(timer).split("/", 1)[0] as string);
    if (next.length > 0) nextMs = Math.min(number(next[1]), nextMs ?? Number.POSITIVE_INFINITY);
  }
  const behind = [...ids].filter((id) => id > after).sort();
  return { kind: "due", ids: behind.slice(0, max), nextMs };
}
