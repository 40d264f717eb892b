/**
 * Owns: the script that takes mail from those who do not hold the partition. Keys and the form of a
 * mail are explained in redis-script.ts.
 */
import { MAILBOX } from "./redis-mailbox.ts";

/** How long the answers of a client's last post are kept. @unit ms */
const POST_MS = 3_600_000;

/**
 * Mail from those who do not hold the partition: relayed out of another partition's outbox (told
 * apart by its number there), or from somebody who is not durable. ARGV: client, number, node, and
 * packed per letter: partition it comes from or "", number there, receiver, mail, id, time, and 0 if
 * who posts it will not hand it to the receiver. A holder that is not handed it by the poster is told
 * which of its actors have mail. Answers: the holder, then what an enqueue is answered, for each; -1:
 * it was here before; -1 - number: kept, behind some that the receiver has not read yet.
 */
export const POST = `${MAILBOX}
local client, number, node = take(), count(), take()
open()
local mine = base .. 'post:' .. client
local holder = call('GET', base .. 'lease') or ''
local saved = call('GET', mine)
if saved then
  saved = cmsgpack.unpack(saved)
  if number < saved[1] then return redis.error_reply('STALE post') end
  if number == saved[1] then return { holder, saved[2] } end
end
seq = tonumber(call('HGET', meta, 'seq') or 0)
local answers = {}
while at < #args do
  local from, nth, to, mail, id, time = take(), count(), take(), take(), take(), take()
  local handed = take() == '1' and holder == node
  local answer = 0
  local last = from ~= '' and tonumber(call('HGET', meta, 'i' .. from) or 0) or nth - 1
  if nth <= last then
    answer = -1
  elseif nth > last + 1 then
    return redis.error_reply('GAP in the mail from partition ' .. from)
  else
    answer = keep(to, mail, id, time)
    if from ~= '' then call('HSET', meta, 'i' .. from, nth) end
    if type(answer) == 'number' and answer > 0 then
      if not handed then call('SADD', base .. 'nudge', to)
      elseif call('SISMEMBER', base .. 'nudge', to) == 1 then answer = -1 - answer end
    end
  end
  call('HSET', meta, 'seq', decimal(seq))
  answers[#answers + 1] = type(answer) == 'number' and { answer } or answer
end
call('SET', mine, cmsgpack.pack({ number, answers }), 'PX', ${POST_MS})
return { holder, answers }
`;
