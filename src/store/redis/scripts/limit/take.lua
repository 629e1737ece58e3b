-- A slot for the first caller of a process, or when to ask again. A token bucket whose slots are granted shortly ahead of
-- time, to the callers that have waited longest. Nobody is waited for who does not ask again in time.
--
-- KEYS: limit, queue, batches, back, waiting
-- ARGV: process, nonce, call|batch, waited, per_minute set here (0: none), burst set here, look (how far ahead a slot is
--       granted), late (how late a process may ask again), callers of this kind waiting in this process with the one that
--       asks, slots that this process used alone
-- Returns: go, wait, own slot, callers waiting in other processes, interval, pause (-1: none), probe,
--          per_minute in force * 1000, reason, whether others set another limit
local LIMIT, QUEUE, BATCHES, BACK, WAITING = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, nonce, is_batch, waited = ARGV[1], ARGV[2], ARGV[3] == 'batch', tonumber(ARGV[4])
local look, late = math.min(tonumber(ARGV[7]), SECOND), math.min(tonumber(ARGV[8]), 5 * SECOND)
local callers, used = math.max(1, tonumber(ARGV[9])), tonumber(ARGV[10])
local BATCH_SHARE = 10 -- while calls wait, batches get one slot in this many
local REMEMBERED = 10 * SECOND -- how long a slot is remembered with its nonce
local PATIENCE = SECOND / 4 -- how long a free slot waits for who is first
local LONGEST_WAIT, SHORTEST_WAIT = 5 * SECOND, 1000

local member = (is_batch and 'b:' or 'c:') .. id
local limit = read_limit(LIMIT)
-- The clock went back: what was said about times to come no longer holds. All who wait ask again soon.
if limit.went_back then
  redis.call('DEL', QUEUE, BATCHES, BACK, WAITING)
  limit.went_back, limit.changed = nil, true
end
-- What somebody else has put there goes.
local types = {[QUEUE] = 'zset', [BATCHES] = 'zset', [BACK] = 'zset', [WAITING] = 'hash'}
for key, expected in pairs(types) do
  local found = redis.call('TYPE', key).ok
  if found ~= expected and found ~= 'none' then redis.call('DEL', key) end
end
-- Who waits is in `back` too. Without it nobody would be forgotten, so the queues form anew.
if redis.call('EXISTS', BACK) == 0 then redis.call('DEL', QUEUE, BATCHES, WAITING) end

for _, gone in ipairs(redis.call('ZRANGEBYSCORE', BACK, '-inf', whole(now), 'LIMIT', 0, 100)) do
  if gone ~= member then forget(QUEUE, BATCHES, BACK, WAITING, gone) end
end

-- How many callers of this process wait by what it said last, and how many in all.
local fields = {member, 'calls', 'batches', 'g:' .. member, 'u:' .. id}
local own, calls, batches, last, poured = unpack(redis.call('HMGET', WAITING, unpack(fields)))
own, calls, batches = tonumber(own or 0), tonumber(calls or 0), tonumber(batches or 0)
if is_batch then batches = batches - own + callers else calls = calls - own + callers end

local function remember(field, value)
  redis.call('HSET', WAITING, field, value)
  redis.call('ZADD', BACK, whole(now + REMEMBERED), field)
end

local set, disagree = smallest_set(limit, tonumber(ARGV[5]), math.max(1, tonumber(ARGV[6])))
fill(limit, set)
-- What is unknown counts as used up already.
if used > 0 and limit.rate and poured ~= nonce and limit.stored[2] then
  -- What was used longer ago than a minute has run out of Figma's bucket too.
  limit.tokens = limit.tokens - math.min(used, limit.rate * MINUTE)
  limit.free_at = now + (1 - limit.tokens) / limit.rate
  limit.changed = true
  remember('u:' .. id, nonce)
end
local interval = limit.rate and 1 / limit.rate or 0
local since_batch = limit.since_batch or 0

-- Calls of other processes, and the batches that get a slot between them.
local function others()
  if is_batch then return calls + batches - callers end
  return calls - callers + math.min(batches, math.floor((since_batch + calls) / (BATCH_SHARE - 1)))
end

local function reply(go, wait, slot, probe)
  local reason = limit.factor and (set and 'slowed_down' or 'assumed') or set and 'set' or 'none'
  return {
    go, math.floor(wait), math.floor(slot), math.max(0, others()), math.floor(interval + 0.5),
    limit.pause_since and math.floor(limit.pause_until - now) or -1, probe,
    limit.rate and math.floor(limit.rate * MINUTE * 1000 + 0.5) or 0, reason, disagree and 1 or 0,
  }
end

-- Asked again because the reply was lost: the same slot.
local last_nonce, last_slot, last_probe = string.match(last or '', '^(%S+) (%d+) (%d)$')
if last_nonce == nonce then
  local left = math.max(0, tonumber(last_slot) - now)
  return reply(1, left, left, tonumber(last_probe))
end

-- When the next slot is free, and whether it is one in a pause.
local pause_until, probe_at = limit.pause_until or 0, limit.probe_at or 0
local slot = math.max(now, limit.free_at, math.min(pause_until, probe_at))
local probe = slot < pause_until
local is_limited = limit.rate or probe
-- The tokens that are there then.
local tokens = limit.rate and math.min(limit.burst, limit.tokens + (slot - now) * limit.rate)

local function keep(queue)
  for _, key in ipairs({queue, BACK, WAITING}) do redis.call('PEXPIRE', key, EXPIRY) end
end

local queue = is_batch and BATCHES or QUEUE

local function grant()
  redis.call('ZREM', queue, id)
  -- Without a limit the others go at once too.
  local left = is_limited and callers - 1 or 0
  set_waiting(WAITING, member, own, left)
  if left > 0 then
    redis.call('ZADD', BACK, whole(slot + look + late), member)
  else
    redis.call('ZREM', BACK, member)
  end
  if is_limited then
    remember('g:' .. member, nonce .. ' ' .. whole(slot) .. ' ' .. (probe and 1 or 0))
    keep(queue)
  end
  if tokens then limit.tokens = tokens - 1 - (slot - now) * limit.rate end
  if probe then limit.probe_at = slot + MINUTE end
  if not limit.pause_since then limit.pause_until = nil end
  limit.since_batch = not is_batch and batches > 0 and since_batch + 1 or nil
  count_slot(limit)
  write_limit(LIMIT, limit)
  return reply(1, slot - now, slot - now, probe and 1 or 0)
end

if not is_limited and not limit.pause_since then return grant() end

local since = now - waited
local queued = tonumber(redis.call('ZSCORE', queue, id) or nil)
-- Another caller of the process is first now, if its time is another.
if not queued or since < queued or since > queued + look then
  redis.call('ZADD', queue, whole(since), id)
end
local rank = redis.call('ZRANK', queue, id)

-- How many get a slot before this one, how many of them are in the queues, and whether it may have one of several slots.
local function position()
  if not is_batch then
    local between = math.floor((since_batch + rank) / (BATCH_SHARE - 1))
    local ahead = rank + (between > 0 and math.min(redis.call('ZCARD', BATCHES), between) or 0)
    return ahead, ahead, true
  end
  local before = math.min(calls, math.max(0, BATCH_SHARE - 1 - since_batch) + rank * (BATCH_SHARE - 1))
  local heads = rank + math.min(redis.call('ZCARD', QUEUE), before)
  -- No call asks for the slot although it has been free for some time.
  if heads == 0 and slot <= now and now >= limit.free_at + look then return 0, 0, true end
  return rank + before, heads, before == 0
end

-- How many slots are free within `look`.
local open = tokens and math.floor(tokens + (now + look - slot) * limit.rate + 0.000001) or math.huge
if slot > now + look then open = 0 elseif probe then open = math.min(open, 1) end

local ahead, heads, may_go = position()
if may_go and ahead < open then return grant() end
if open > 0 and slot <= now and now >= limit.free_at + PATIENCE then
  -- The slot has been free for long: those who are first died together, or were told to come later and then the clock was
  -- put on. All others join the queues anew when they ask again.
  redis.call('DEL', QUEUE, BATCHES)
  return grant()
end

-- The estimate of the own slot: in a pause one a minute, and the others after it. When it ends there is a burst.
if tokens and not probe then ahead = math.max(0, ahead - math.max(0, math.floor(tokens) - 1)) end
local own_slot = slot + ahead * interval
if probe and ahead > 0 then own_slot = math.min(slot + ahead * MINUTE, pause_until + (ahead - 1) * interval) end
local again = slot + (ahead > 0 and math.max(1, ahead / 2) or 0) * interval - look / 2
if heads == 0 and ahead > 0 then
  again = math.min(again, slot + look)
elseif heads == 1 then
  -- The next one, if the first does not come.
  local of_calls = is_batch == (rank == 0)
  local first = redis.call('ZRANGE', of_calls and QUEUE or BATCHES, 0, 0)[1]
  local by = first and redis.call('ZSCORE', BACK, (of_calls and 'c:' or 'b:') .. first)
  if by then again = math.min(again, math.max(slot, tonumber(by)) + 1000) end
end
if limit.probe_at and probe_at - now > MINUTE - 10 * SECOND then
  -- A probe is under way, and may end the pause.
  again = math.min(again, now + SECOND / 4 + ahead / 2 * interval)
end
local wait = math.max(SHORTEST_WAIT, math.min(LONGEST_WAIT, again - now))
set_waiting(WAITING, member, own, callers)
redis.call('ZADD', BACK, whole(now + wait + late), member)
-- Who asks again has done this before.
if own == 0 or limit.changed then
  keep(queue)
  write_limit(LIMIT, limit)
end
return reply(0, wait, own_slot - now, 0)
