/**
 * Owns: what runs inside of Redis, in Lua: batches of the holder of a partition; and all keys.
 * Does not own: mailboxes (redis-mailbox.ts), posts of others (redis-post-script.ts), dead letters
 * (redis-letters.ts), leases (redis-lease-script.ts), how operations become arguments
 * (redis-wire.ts), when a script is called.
 *
 * All keys of a partition share one hash tag, so each script stays in one slot of a Cluster:
 *
 * ```
 * meta     hash: token holder seq born, the last batch (client number saved), dead letters' bytes,
 *          o<Q> last number of the outbox to partition Q, i<P> last number taken in from P
 * lease    string: the node that holds the partition; it expires
 * a:<path> hash: token life born behaviour version args state parked effects journal counted
 * m:<path> hash: number → mail, r<number> → attempts, n<number> → tries
 * s:<path> list: steps of mail in flight
 * t:<path> hash: per timer d<id> due, r<id> how it repeats, m<id> its mail
 * i:<path> sorted set: ids of outside mail by time       j:<path> hash: id → its answer
 * c:<path> sorted set: children by birth                  o:<Q>    list: outbox to partition Q
 * w:<path> sorted set: children that have mail, all of score 0
 * d:<path> sorted set: child/timer, by when it is due; complete if meta has x<path>, as w: is
 * nudge    set: actors with mail from other nodes that their own has not seen
 * dead     stream of letters: at path seq attempts reason mail
 * post:<client>  the answers of a client's last post, for when it asks again
 * ```
 *
 * A mail is ask:length:id and the rest as msgpack; the id, of that length, is that of outside mail.
 * Scripts do not undo what an error
 * interrupts, so nothing here may fail after the first write.
 */
import { CHILDREN } from "./redis-children.ts";
import { LETTERS } from "./redis-letters.ts";
import { MAILBOX } from "./redis-mailbox.ts";
import { WINDOW_MS } from "./store.ts";

/**
 * A batch of the holder. KEYS: base, meta. ARGV: token, client, number of the batch, wall ms, and the
 * operations in one (redis-wire.ts packArgs).
 * A batch sent again is answered as the first time and changes nothing.
 */
export const BATCH = `${MAILBOX}
local token, client, number, now = count(), take(), count(), take()
open()
local head = call('HMGET', meta, 'token', 'seq', 'client', 'number', 'saved')
if tonumber(head[1] or 0) ~= token then return redis.error_reply('FENCED by a newer holder') end
local before = nil
if head[3] == client then
  local last = tonumber(head[4])
  if number < last then return redis.error_reply('STALE batch') end
  if number == last then before = cmsgpack.unpack(head[5]) end
end
seq = tonumber(head[2] or 0)
local wrote = false

local function older(row, life)
  local t, l = tonumber(row[1] or 0), tonumber(row[2] or 0)
  return t > token or (t == token and l > life)
end

-- Whoever commits has loaded under this token: a node that lost the partition and took it back may
-- still run what it loaded before, while another node's commits came in between.
local function stranger(row, life)
  return older(row, life) or (row[1] and tonumber(row[1]) ~= token)
end

local function bear(key, path, row, behaviour, args)
  if row[3] then
    unclock(path)
    unwait(path)
    call('DEL', base .. 'm:' .. path, base .. 's:' .. path, base .. 't:' .. path,
    base .. 'i:' .. path, base .. 'j:' .. path)
    call('HDEL', key, 'parked', 'effects', 'journal', 'counted')
    row[4], row[5], row[6] = false, false, false
  else
    local time = call('TIME')
    local born = tonumber(time[1]) * 1000000 + tonumber(time[2])
    local last = tonumber(call('HGET', meta, 'born') or 0)
    if born <= last then born = last + 1 end
    born = decimal(born)
    call('HSET', meta, 'born', born)
    call('HSET', key, 'born', born)
    local above = parent(path)
    if above then call('ZADD', base .. 'c:' .. above, born, string.sub(path, #above + 2)) end
  end
  call('HSET', key, 'behaviour', behaviour, 'args', args)
  known[path] = true
end

local function journal(key, path, row, acked, steps)
  local list = base .. 's:' .. path
  if row[5] then
    local kept, gone = {}, false
    for _, step in ipairs(call('LRANGE', list, 0, -1)) do
      if acked[string.match(step, '^%d+')] then gone = true else kept[#kept + 1] = step end
    end
    if gone then
      call('DEL', list)
      for _, step in ipairs(kept) do call('RPUSH', list, step) end
      if #kept == 0 then call('HDEL', key, 'journal') end
    end
  end
  for _, step in ipairs(steps) do
    if not acked[step[1]] then
      call('RPUSH', list, step[1] .. ':' .. step[2])
      call('HSET', key, 'journal', '1')
    end
  end
end

local function counted(key, box, letter, counts)
  for _, each in ipairs(counts) do
    if call('HEXISTS', box, each[1]) == 1 then
      call('HSET', box, letter .. each[1], each[2])
      call('HSET', key, 'counted', '1')
    end
  end
end

local ops = {}
${LETTERS}
function ops.load(old)
  local path, life, again = take(), take(), take()
  local key = base .. 'a:' .. path
  local row = call('HMGET', key, 'token', 'life', 'born', 'behaviour', 'version', 'args', 'state',
    'parked', 'effects')
  if again == '1' and (tonumber(row[1] or 0) ~= token or row[2] ~= life) then
    return { 'stale' }, { seq }
  end
  if not old and tonumber(life) > 0 and not older(row, tonumber(life)) then
    call('HSET', key, 'token', token, 'life', life)
    call('SREM', base .. 'nudge', path)
  end
  local mark = old and old[1] or seq
  if not row[3] then return { mark }, { mark } end
  return { mark, row[4], row[5], row[6], row[7], row[8] or '', row[9] or '',
    call('HGETALL', base .. 'm:' .. path), call('LRANGE', base .. 's:' .. path, 0, -1),
    call('HGETALL', base .. 't:' .. path) }, { mark }
end

function ops.list()
  local path = take()
  local found = {}
  local children = call('ZRANGE', base .. 'c:' .. path, 0, -1, 'WITHSCORES')
  for i = 1, #children, 2 do
    found[#found + 1] = children[i]
    found[#found + 1] = children[i + 1]
    found[#found + 1] = call('HGET', base .. 'a:' .. path .. '/' .. children[i], 'args')
  end
  return found, {}
end

${CHILDREN}
local function timing() return { take(), take(), take(), take(), take() } end
local function sending() return { take(), take(), take() } end
function ops.commit(old)
  local path, life, behaviour, version = take(), count(), take(), take()
  local created, args, stated, state = take(), take(), take(), take()
  local parked, effects = take(), take()
  local acks, steps, retries, tries = some(take), some(pair), some(pair), some(pair)
  local dead = some(pair)
  local timers = some(timing)
  local given = some(pair)
  local mails = some(sending)
  if old then return old, old end
  local key = base .. 'a:' .. path
  local row = call('HMGET', key, 'token', 'life', 'born', 'parked', 'journal', 'counted')
  if stranger(row, life) or (created == '0' and not row[3]) then return { 0 }, { 0 } end
  wrote = true
  if created == '1' then bear(key, path, row, behaviour, args) end
  if stated == '1' then call('HSET', key, 'state', state, 'version', version) end
  bury(path, dead)
  local box, acked = base .. 'm:' .. path, {}
  -- (Nearly always there is nothing to which it matters.)
  if row[4] or row[5] or #steps > 0 then
    for _, number in ipairs(acks) do acked[number] = true end
  end
  many('HDEL', box, acks)
  if row[6] then
    for _, number in ipairs(acks) do call('HDEL', box, 'r' .. number, 'n' .. number) end
  end
  if #acks > 0 and call('EXISTS', box) == 0 then unwait(path) end
  counted(key, box, 'r', retries)
  counted(key, box, 'n', tries)
  journal(key, path, row, acked, steps)
  if parked ~= '' then call('HSET', key, 'parked', parked, 'effects', effects)
  elseif row[4] and acked[row[4]] then call('HDEL', key, 'parked', 'effects') end
  local rows = base .. 't:' .. path
  for _, timer in ipairs(timers) do
    local id = timer[1]
    if timer[2] == '0' then call('HDEL', rows, 'd' .. id, 'r' .. id, 'm' .. id)
    else call('HSET', rows, 'd' .. id, timer[3], 'r' .. id, timer[4], 'm' .. id, timer[5]) end
    clock(path, id, timer[2] ~= '0' and timer[3])
  end
  for _, answer in ipairs(given) do
    if call('ZSCORE', base .. 'i:' .. path, answer[1]) then
      call('HSET', base .. 'j:' .. path, answer[1], answer[2])
      call('PEXPIRE', base .. 'j:' .. path, ${2 * WINDOW_MS})
    end
  end
  local answer = { 1 }
  for _, mail in ipairs(mails) do
    if mail[1] == '' then
      answer[#answer + 1] = keep(mail[2], mail[3])
    else
      answer[#answer + 1] = -call('HINCRBY', meta, 'o' .. mail[1], 1)
      call('RPUSH', base .. 'o:' .. mail[1], mail[3])
    end
  end
  return answer, answer
end

function ops.enqueue(old)
  local to, mail, id, time = take(), take(), take(), take()
  if old then return old, old end
  wrote = true
  local answer = keep(to, mail, id, time)
  if type(answer) == 'number' then answer = { answer } end
  return answer, answer
end

-- Mail without ids: its receivers, then for each the place of its receiver, and it. Answers a number each;
-- where all receivers are there only the first one, which the others follow.
function ops.mails(old)
  local receivers, n = some(take), count()
  if old then
    at = at + 2 * n
    return old, old
  end
  wrote = true
  local answer, boxes, all = { seq + 1 }, {}, true
  for i, to in ipairs(receivers) do
    boxes[i] = there(to) and {}
    all = all and boxes[i]
  end
  for i = 1, n do
    local fields = boxes[args[at + 1]]
    if fields then
      seq = seq + 1
      local last = #fields
      fields[last + 1], fields[last + 2] = decimal(seq), args[at + 2]
    end
    if not all then answer[i] = fields and seq or 0 end
    at = at + 2
  end
  for i, to in ipairs(receivers) do if boxes[i] then fill(to, boxes[i]) end end
  return answer, answer
end

function ops.fire(old)
  local path, life, id, due, next = take(), count(), take(), take(), take()
  if old then return old, old end
  local row = call('HMGET', base .. 'a:' .. path, 'token', 'life', 'born')
  local rows = base .. 't:' .. path
  local found = call('HMGET', rows, 'd' .. id, 'm' .. id)
  if not row[3] or found[1] ~= due or stranger(row, life) then return { 0 }, { 0 } end
  wrote = true
  if next == '' then call('HDEL', rows, 'd' .. id, 'r' .. id, 'm' .. id)
  else call('HSET', rows, 'd' .. id, next) end
  clock(path, id, next ~= '' and next)
  local answer = { keep(path, found[2]) }
  return answer, answer
end

function ops.forget(old)
  local path = take()
  if old then return old, old end
  wrote = true
  local asks = asked(path)
  unclock(path)
  unwait(path)
  call('DEL', base .. 'a:' .. path, base .. 'm:' .. path, base .. 's:' .. path, base .. 't:' .. path,
    base .. 'i:' .. path, base .. 'j:' .. path)
  call('SREM', base .. 'nudge', path)
  known[path] = false
  local above = parent(path)
  if above then call('ZREM', base .. 'c:' .. above, string.sub(path, #above + 2)) end
  return asks, asks
end

function ops.trim(old)
  local to, upTo = take(), count()
  if old then return {}, old end
  local list = base .. 'o:' .. to
  local first = tonumber(call('HGET', meta, 'o' .. to) or 0) - call('LLEN', list) + 1
  if upTo >= first then call('LTRIM', list, upTo - first + 1, -1) end
  return {}, {}
end

local answers, saved = {}, {}
while at < #args do
  local n = #answers + 1
  answers[n], saved[n] = ops[take()](before and before[n])
end
if wrote and not before then
  call('HSET', meta, 'seq', decimal(seq), 'client', client, 'number', number,
    'saved', cmsgpack.pack(saved))
end
return answers
`;
