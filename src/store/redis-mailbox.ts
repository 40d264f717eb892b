/**
 * Owns: reading a script's arguments, and putting mail into a mailbox, in Lua: how the scripts of
 * redis-script.ts begin. Keys and the form of a mail are explained there.
 */
import { WINDOW_MS } from "./store.ts";

export const MAILBOX = `
local base, meta = KEYS[1], KEYS[2]
local call = redis.call
local args, at = ARGV, 0
local function take() at = at + 1; return args[at] end
-- The rest is one argument, packed: thousands of short ones cost more than what they are for.
local function open() args, at = cmsgpack.unpack(take()), 0 end
-- (Of a number as it is, Lua writes 14 digits.)
local format = string.format
local function decimal(number) return format('%d', number) end
local function count() return tonumber(take()) end
local none = {}
local function some(read)
  local n = count()
  if n == 0 then return none end
  local all = {}
  for i = 1, n do all[i] = read() end
  return all
end
local function pair() return { take(), take() } end
local function plain(mail, ask)
  local asked, length, at = string.match(mail, '^(%d+):(%d+):()')
  return (ask or asked) .. ':0:' .. string.sub(mail, at + tonumber(length))
end
local function parent(path) return string.match(path, '^(.*)/[^/]*$') end
local seq

-- call(command, key, all of the fields): Lua passes some thousand values at most.
local function many(command, key, fields)
  for i = 1, #fields, 2000 do call(command, key, unpack(fields, i, math.min(i + 1999, #fields))) end
end

-- Actors that this script has looked up: are they there?
local known = {}
local function there(path)
  if known[path] == nil then known[path] = call('HEXISTS', base .. 'a:' .. path, 'born') == 1 end
  return known[path]
end

-- Whose children they are, and their ids: those of a supervisor for whom something waits are
-- indexed, so that it need not look at all of them.
local function index(path)
  local above = parent(path)
  if above then return above, string.sub(path, #above + 2) end
end

-- Puts mail into a mailbox: numbers, each with its mail. Whose was empty waits for it from here on.
local function fill(to, fields)
  local box = base .. 'm:' .. to
  many('HSET', box, fields)
  if call('HLEN', box) ~= #fields / 2 then return end
  local above, id = index(to)
  if above then call('ZADD', base .. 'w:' .. above, 0, id) end
end

local function unwait(path)
  local above, id = index(path)
  if above then call('ZREM', base .. 'w:' .. above, id) end
end

local function clock(path, timer, due)
  local above, id = index(path)
  if not above then return end
  if due then call('ZADD', base .. 'd:' .. above, due, id .. '/' .. timer)
  else call('ZREM', base .. 'd:' .. above, id .. '/' .. timer) end
end

local function unclock(path)
  for _, field in ipairs(call('HKEYS', base .. 't:' .. path)) do
    if string.sub(field, 1, 1) == 'd' then clock(path, string.sub(field, 2)) end
  end
end

-- An id of outside mail. Answers nothing when it is new, else { 0, 1, the answer if there is one }.
local function see(to, id, now)
  local ids, given = base .. 'i:' .. to, base .. 'j:' .. to
  for _, old in ipairs(call('ZRANGEBYSCORE', ids, '-inf', tonumber(now) - ${WINDOW_MS})) do
    call('ZREM', ids, old)
    call('HDEL', given, old)
  end
  if call('ZSCORE', ids, id) then
    local answer = call('HGET', given, id)
    return answer and { 0, 1, answer } or { 0, 1 }
  end
  call('ZADD', ids, now, id)
  call('PEXPIRE', ids, ${2 * WINDOW_MS})
  call('PEXPIRE', given, ${2 * WINDOW_MS})
end

-- Who waits for an answer from a mailbox: number of the ask, sender, in the order of the mail.
local function asked(path)
  local fields, found, order = call('HGETALL', base .. 'm:' .. path), {}, {}
  for i = 1, #fields, 2 do
    local ask, length, at = string.match(fields[i + 1], '^(%d+):(%d+):()')
    if ask and ask ~= '0' and tonumber(fields[i]) then
      -- Behind the id an array of three, of which the sender is the first.
      local _, from = cmsgpack.unpack_one(fields[i + 1], at + tonumber(length))
      order[#order + 1] = tonumber(fields[i])
      found[order[#order]] = { ask, from }
    end
  end
  table.sort(order)
  local asks = {}
  for _, number in ipairs(order) do
    asks[#asks + 1] = found[number][1]
    asks[#asks + 1] = found[number][2]
  end
  return asks
end

local function keep(to, mail, id, now)
  if not there(to) then return 0 end
  local again = id and id ~= '' and see(to, id, now)
  if again then return again end
  seq = seq + 1
  fill(to, { decimal(seq), mail })
  return seq
end
`;
