/**
 * Owns: the dead letters of a partition, in Lua: a part of the batch script (redis-script.ts).
 * Does not own: which messages die (kernel/), letters as values (redis-wire.ts).
 */
import { DEAD_AGE_MS, DEAD_BYTES_MAX, DEAD_LETTERS_MAX } from "./store.ts";

export const LETTERS = `
local function bury(path, letters)
  if #letters == 0 then return end
  local list = base .. 'dead'
  local counts = call('HMGET', meta, 'bytes', 'letters')
  local bytes, id = tonumber(counts[1] or 0), tonumber(counts[2] or 0)
  for _, letter in ipairs(letters) do
    local mail = call('HGET', base .. 'm:' .. path, letter[1])
    if mail then
      local attempts = call('HGET', base .. 'm:' .. path, 'r' .. letter[1]) or '0'
      id = id + 1
      mail = plain(mail)
      call('XADD', list, decimal(id) .. '-0', 'at', now, 'path', path, 'seq', letter[1],
        'attempts', attempts, 'reason', letter[2], 'mail', mail)
      bytes = bytes + #mail
    end
  end
  local length = call('XLEN', list)
  while length > 1 do
    local oldest = call('XRANGE', list, '-', '+', 'COUNT', 1)[1]
    local fits = length <= ${DEAD_LETTERS_MAX} and bytes <= ${DEAD_BYTES_MAX}
    if fits and tonumber(oldest[2][2]) >= tonumber(now) - ${DEAD_AGE_MS} then break end
    call('XDEL', list, oldest[1])
    length, bytes = length - 1, bytes - #oldest[2][12]
  end
  call('HSET', meta, 'bytes', bytes, 'letters', decimal(id))
end

local function exhume(id)
  local id = id .. '-0'
  local letter = call('XRANGE', base .. 'dead', id, id)[1]
  return letter and letter[2]
end

local function drop(id, letter)
  call('XDEL', base .. 'dead', id .. '-0')
  call('HINCRBY', meta, 'bytes', -#letter[12])
end

function ops.letters()
  local path, id, max = take(), take(), count()
  local list, found = base .. 'dead', {}
  local total = call('XLEN', list)
  if id ~= '' then
    local letter = exhume(id)
    if letter and (path == '' or letter[4] == path) then found[1] = { id, letter } end
    return { total, found }, {}
  end
  local upTo = '+'
  while #found < max do
    local some = call('XREVRANGE', list, upTo, '-', 'COUNT', 100)
    for _, entry in ipairs(some) do
      if #found < max and (path == '' or entry[2][4] == path) then
        found[#found + 1] = { string.match(entry[1], '^%d+'), entry[2] }
      end
    end
    if #some < 100 then break end
    upTo = '(' .. some[#some][1]
  end
  return { total, found }, {}
end

function ops.revive(old)
  local id = take()
  if old then return old, old end
  local letter = exhume(id)
  if not letter then return {}, {} end
  -- Nobody waits for its answer any more.
  local mail = plain(letter[12], '0')
  local number = keep(letter[4], mail)
  if number == 0 then return {}, {} end
  wrote = true
  drop(id, letter)
  local answer = { number, letter[4], mail }
  return answer, answer
end

function ops.drop(old)
  local id = take()
  if old then return old, old end
  wrote = true
  local count = 0
  if id == '' then
    count = call('XLEN', base .. 'dead')
    call('XTRIM', base .. 'dead', 'MAXLEN', 0)
    call('HSET', meta, 'bytes', 0)
  else
    local letter = exhume(id)
    if letter then
      count = 1
      drop(id, letter)
    end
  end
  return { count }, { count }
end
`;
