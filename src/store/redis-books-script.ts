/**
 * Owns: what runs inside of Redis for the books of quotas that nodes share, in Lua; and its keys.
 * Does not own: when it is called (redis-books.ts). The rules are those of a node's own books
 * (tool/ledger.ts); a test compares the two.
 *
 * All keys of an app have one hash tag: the accounts above a call are held in all or in none, also
 * when a new version of the app has put a quota above those there were.
 *
 * ```
 * books     hash: path → used, held, extra, warned (by resource), limits, first (ms since 1970)
 * h:<node>  hash: id of a call → the paths it is held in, and what of each resource
 * n:<node>  hash: number of the node's last call, what it was answered
 * nodes     sorted set: nodes with holds, by when they are lost if they say nothing
 * ```
 */

/** A node that is lost may have a late call on its way: its number is known for so long. @unit ms */
const REMEMBER_MS = 86_400_000;

/**
 * KEYS: base. ARGV: node, number of the call, ms after which a silent node is lost, requests (msgpack).
 * Answers one msgpack for each request. A call made again is answered as the first time and changes
 * nothing. Scripts do not undo what an error interrupts: all is written at the end.
 */
export const BOOKS = `
local base, node, number = KEYS[1], ARGV[1], tonumber(ARGV[2])
local call = redis.call
local line = call('HMGET', base .. 'n:' .. node, 'number', 'said')
local last = tonumber(line[1] or 0)
if number == last then return cmsgpack.unpack(line[2]) end
if number < last then return redis.error_reply('STALE call') end
local requests = {}
for i = 4, #ARGV do requests[#requests + 1] = cmsgpack.unpack(ARGV[i]) end
local time = call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local COUNTED = { 'tokens', 'microUsd', 'steps', 'toolCalls', 'reductions', 'memoryBytes' }
-- Not written yet: accounts by path, holds of this node by id, nodes that are gone.
local books, changed, holds, gone = {}, {}, {}, {}

local function book(path)
  if not books[path] then
    local kept = call('HGET', base .. 'books', path)
    books[path] = kept and cmsgpack.unpack(kept)
      or { used = {}, held = {}, extra = {}, warned = {}, limits = { soft = { at = 1, tell = '' } } }
  end
  return books[path]
end

-- Limits are those of whoever asked last: a new version of the app may have others.
local function known(account)
  local it = book(account.path)
  it.limits = account.limits
  return it
end

local function limitOf(it, name)
  return it.limits[name] and it.limits[name] + (it.extra[name] or 0)
end

local function leftOf(path, it)
  local limit = limitOf(it, 'wallMs')
  if not limit or not it.first then return nil end
  -- A clock that was put back gives no time.
  return { ms = limit - math.max(now - it.first, 0), path = path, limit = limit }
end

local function spentOf(it, name) return (it.used[name] or 0) + (it.held[name] or 0) end

local function refusal(path, it, amounts)
  for _, name in ipairs(COUNTED) do
    local limit, spent = limitOf(it, name), spentOf(it, name)
    if limit and spent + (amounts[name] or 0) > limit then
      return { path = path, resource = name, limit = limit, used = spent }
    end
  end
  local left = leftOf(path, it)
  if left and left.ms <= 0 then
    return { path = path, resource = 'wallMs', limit = left.limit, used = left.limit - left.ms }
  end
end

local function warn(path, it, near)
  local soft = it.limits.soft
  for _, name in ipairs(COUNTED) do
    local limit, spent = limitOf(it, name), spentOf(it, name)
    if limit and name ~= 'memoryBytes' and not it.warned[name] and spent >= limit * soft.at then
      it.warned[name] = true
      near[#near + 1] =
        { path = path, resource = name, limit = limit, used = spent, tell = soft.tell }
    end
  end
end

local function holdOf(who, id)
  if who == node and holds[id] ~= nil then return holds[id] end
  local kept = call('HGET', base .. 'h:' .. who, id)
  return kept and cmsgpack.unpack(kept)
end

-- A call has ended. spent: nil = unknown, so all that it held.
local function release(who, id, spent)
  local hold = holdOf(who, id)
  if not hold then return end
  if who == node then holds[id] = false end
  for _, path in ipairs(hold.paths) do
    local it = book(path)
    changed[path] = true
    for _, name in ipairs(COUNTED) do
      it.held[name] = (it.held[name] or 0) - (hold.amounts[name] or 0)
      -- Memory is lent: all of it comes back.
      if name ~= 'memoryBytes' then
        it.used[name] = (it.used[name] or 0) + ((spent or hold.amounts)[name] or 0)
      end
    end
  end
end

local function lose(who)
  for _, id in ipairs(call('HKEYS', base .. 'h:' .. who)) do release(who, id) end
  if who == node then for id in pairs(holds) do release(who, id) end end
  gone[who] = true
end

local verbs = {}

function verbs.hold(asked)
  for _, account in ipairs(asked.accounts) do
    local refused = refusal(account.path, known(account), asked.amounts)
    if refused then return { refused = refused } end
  end
  local near, left, paths = {}, nil, {}
  for _, account in ipairs(asked.accounts) do
    local path = account.path
    local it = book(path)
    for _, name in ipairs(COUNTED) do
      it.held[name] = (it.held[name] or 0) + (asked.amounts[name] or 0)
    end
    it.first = it.first or now
    warn(path, it, near)
    local own = leftOf(path, it)
    if own and (not left or own.ms < left.ms) then left = own end
    changed[path] = true
    paths[#paths + 1] = path
  end
  holds[asked.id], gone[node] = { paths = paths, amounts = asked.amounts }, nil
  return { near = near, left = left }
end

function verbs.settle(asked)
  release(node, asked.id, asked.spent)
  return {}
end

function verbs.know(asked)
  for _, account in ipairs(asked.accounts) do
    known(account)
    changed[account.path] = true
  end
  return {}
end

function verbs.begin(asked)
  local all = {}
  for _, account in ipairs(asked.accounts) do
    local it = known(account)
    it.first = it.first or now
    changed[account.path] = true
    all[#all + 1] = leftOf(account.path, it)
  end
  return { left = all }
end

verbs['raise'] = function(asked)
  if call('HEXISTS', base .. 'books', asked.path) == 0 and not changed[asked.path] then
    return { none = 'account' }
  end
  local it = book(asked.path)
  for name in pairs(asked.more) do if not it.limits[name] then return { none = name } end end
  for name, more in pairs(asked.more) do
    it.extra[name] = (it.extra[name] or 0) + more
    it.warned[name] = nil
  end
  changed[asked.path] = true
  return {}
end

-- This node lives; who has not said so for too long may have spent all that it held.
function verbs.tick()
  for _, who in ipairs(call('ZRANGEBYSCORE', base .. 'nodes', '-inf', now)) do
    if who ~= node then lose(who) end
  end
  return {}
end

function verbs.leave()
  lose(node)
  return {}
end

local said = {}
for i, asked in ipairs(requests) do said[i] = cmsgpack.pack(verbs[asked.verb](asked)) end

for path in pairs(changed) do call('HSET', base .. 'books', path, cmsgpack.pack(books[path])) end
for id, hold in pairs(holds) do
  if hold then call('HSET', base .. 'h:' .. node, id, cmsgpack.pack(hold))
  else call('HDEL', base .. 'h:' .. node, id) end
end
call('HSET', base .. 'n:' .. node, 'number', ARGV[2], 'said', cmsgpack.pack(said))
call('ZADD', base .. 'nodes', now + tonumber(ARGV[3]), node)
for who in pairs(gone) do
  if who ~= node then call('DEL', base .. 'h:' .. who) end
  call('ZREM', base .. 'nodes', who)
  call('PEXPIRE', base .. 'n:' .. who, ${REMEMBER_MS})
end
return said
`;
