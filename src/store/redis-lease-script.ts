/**
 * Owns: what runs inside of Redis for leases and for the presence of nodes, in Lua.
 * Does not own: when (redis-leases.ts).
 */

/**
 * Takes or renews a lease. KEYS: base, meta, lease. ARGV: node, ms. Who held it last goes on with
 * its token, if nobody had it in between. Answers: token or 0, the holder, actors with new mail.
 */
export const LEASE = `
local holder = redis.call('GET', KEYS[3])
if holder and holder ~= ARGV[1] then return { 0, holder, {} } end
-- A renewal needs no memory: on a full server a lease goes on.
if holder then redis.call('PEXPIRE', KEYS[3], ARGV[2])
else redis.call('SET', KEYS[3], ARGV[1], 'PX', ARGV[2]) end
if redis.call('HGET', KEYS[2], 'holder') ~= ARGV[1] then
  redis.call('HSET', KEYS[2], 'holder', ARGV[1])
  redis.call('HINCRBY', KEYS[2], 'token', 1)
end
local token = tonumber(redis.call('HGET', KEYS[2], 'token'))
return { token, ARGV[1], redis.call('SRANDMEMBER', KEYS[1] .. 'nudge', 1000) }
`;

/** Gives a lease back. KEYS: lease. ARGV: node. */
export const RELEASE = `
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`;

/**
 * A node says that it lives. KEYS: nodes (sorted set by end of life), facts (hash). ARGV: node, ms,
 * facts as JSON; ms 0 = it goes. Answers: in how many ms the next of the others would be gone (-1: there is
 * none), then names and facts of all who live.
 */
export const PRESENCE = `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)) do
  redis.call('ZREM', KEYS[1], gone)
  redis.call('HDEL', KEYS[2], gone)
end
if ARGV[2] == '0' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[1])
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
end
local all = { -1 }
local living = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #living, 2 do
  local node = living[i]
  if node ~= ARGV[1] and all[1] < 0 then all[1] = tonumber(living[i + 1]) - now end
  all[#all + 1] = node
  all[#all + 1] = redis.call('HGET', KEYS[2], node) or '{}'
end
return all
`;
