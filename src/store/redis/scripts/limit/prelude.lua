-- Put before each script of the limit. Time is read once, in the next line, so that a test can put its own in its place.
local now = (function(time) return time[1] * 1000000 + time[2] end)(redis.call('TIME'))

-- All times are in microseconds.
local SECOND = 1000000
local MINUTE = 60 * SECOND
local RECOVERY = 300 * SECOND
local EXPIRY = 3600000 -- of each key, in milliseconds

-- After a 429: the same numbers as in client/rate_limiter/bucket.rs.
local SMALLEST_DECREASE, LARGEST_DECREASE = 0.8, 0.5
local SHARE_OF_GRANTED = 0.9
local MIN_FACTOR = 0.1
local ASSUMED = {per_minute = 50, burst = 50}

local function whole(number) return string.format('%.0f', number) end

-- The fields of the limit that are times, and move with the clock if it goes back.
local TIMES = {'filled', 'free_at', 'pause_since', 'pause_until', 'probe_at', 'last_429', 'decreased_at'}
-- rates: the limits that processes set, see smallest_set. tokens, rate: of the bucket at `filled`, the rate in a microsecond;
-- less than 0 tokens if slots are granted ahead of time. free_at: since when a slot is free that nobody took, if one is.
-- factor, last_429, decreased_at, sent: the slowdown after a 429. since_batch: slots of calls since a batch had one.
-- minute, calls, calls_before: how many slots were granted in this minute (counted from 1970) and in the one before.
-- went_back: 1 if the clock has gone back since take.lua looked at the queues.
local FIELDS = {
  'rates', 'tokens', 'rate', 'factor', 'sent', 'since_batch', 'minute', 'calls', 'calls_before', 'went_back', unpack(TIMES)
}

local FRACTIONS = {tokens = true, rate = true, factor = true}

-- What is known of the limit, as it is now: a slowdown or a pause that is over is left out.
local function read_limit(key)
  local values = redis.pcall('HMGET', key, unpack(FIELDS))
  -- Somebody has put something else there.
  if values.err then
    redis.call('DEL', key)
    values = {}
  end
  local limit = {stored = values}
  for i = 2, #FIELDS do limit[FIELDS[i]] = tonumber(values[i] or nil) end
  limit.rates = values[1] or nil
  if limit.filled and limit.filled > now + SECOND then
    local back = limit.filled - now
    for _, field in ipairs(TIMES) do limit[field] = limit[field] and limit[field] - back end
    limit.went_back = 1
  end
  -- What belongs together is there, or none of it.
  if not (limit.factor and limit.last_429 and limit.decreased_at) then
    limit.factor, limit.last_429, limit.decreased_at, limit.sent = nil, nil, nil, nil
  end
  if not (limit.pause_since and limit.pause_until and limit.probe_at) then
    limit.pause_since, limit.pause_until, limit.probe_at = nil, nil, nil
  end
  if limit.last_429 and now >= limit.last_429 + RECOVERY then
    limit.factor, limit.last_429, limit.decreased_at, limit.sent = nil, nil, nil, nil
  end
  if limit.pause_until and now >= limit.pause_until then
    -- When it ended is known until the next slot is granted.
    limit.pause_since, limit.probe_at = nil, nil
  end
  return limit
end

local function write_limit(key, limit)
  if limit.free_at and (limit.free_at > now or not limit.tokens or limit.tokens < 1) then limit.free_at = nil end
  local set, gone = {}, {}
  for i, field in ipairs(FIELDS) do
    local value, stored = limit[field], limit.stored[i]
    if type(value) == 'number' then value = string.format(FRACTIONS[field] and '%.15g' or '%.0f', value) end
    if value and value ~= stored then
      set[#set + 1] = field
      set[#set + 1] = value
    elseif stored and not value then
      gone[#gone + 1] = field
    end
  end
  if #set > 0 then redis.call('HSET', key, unpack(set)) end
  if #gone > 0 then redis.call('HDEL', key, unpack(gone)) end
  redis.call('PEXPIRE', key, EXPIRY)
end

-- The smallest limit that was set within the last minute, or if there is none the last one that was set.
-- `rates` holds each as "per_minute burst seen". Adds this process's own, if it has one.
local function smallest_set(limit, own_per_minute, own_burst)
  local rates, newest, own, disagree = {}, nil, nil, false
  for per_minute, burst, seen in string.gmatch(limit.rates or '', '(%d+) (%d+) (%d+)') do
    local rate = {per_minute = tonumber(per_minute), burst = tonumber(burst), seen = math.min(tonumber(seen), now)}
    if rate.per_minute == own_per_minute and rate.burst == own_burst then own = rate end
    if not newest or rate.seen > newest.seen then newest = rate end
    rates[#rates + 1] = rate
  end
  if own_per_minute > 0 and not (own and now - own.seen < 5 * SECOND) then
    if not own then
      own = {per_minute = own_per_minute, burst = own_burst}
      rates[#rates + 1] = own
    end
    own.seen, newest = now, own
    limit.changed = true
  end
  local smallest, kept = nil, {}
  for _, rate in ipairs(rates) do
    if rate == newest or now - rate.seen < MINUTE then
      kept[#kept + 1] = rate
      disagree = disagree or own_per_minute > 0 and rate.per_minute ~= own_per_minute
      if not smallest or rate.per_minute < smallest.per_minute
        or rate.per_minute == smallest.per_minute and rate.burst < smallest.burst then
        smallest = rate
      end
    end
  end
  if limit.changed then
    for i, rate in ipairs(kept) do
      kept[i] = string.format('%d %d %.0f', rate.per_minute, rate.burst, rate.seen)
    end
    limit.rates = table.concat(kept, ';')
  end
  return smallest, disagree
end

-- From 0 at the last 429 to 1 at the end of the recovery.
local function progress(limit) return math.min(1, math.max(0, now - limit.last_429) / RECOVERY) ^ 5 end

local function factor_now(limit) return limit.factor + (1 - limit.factor) * progress(limit) end

-- Fills the bucket up to now. Sets `rate` (nil if there is no limit), `burst`, `tokens`, and `free_at`: when the next
-- slot was or is free, apart from a pause that lasts.
local function fill(limit, set)
  local base = set or limit.factor and ASSUMED
  local before = limit.rate
  limit.rate, limit.burst = nil, nil
  local ended = not limit.pause_since and limit.pause_until or 0
  if not base then
    limit.tokens, limit.filled, limit.free_at = nil, now, math.max(limit.filled or 0, ended)
    return
  end
  local rate, burst = base.per_minute / MINUTE, base.burst
  limit.base_rate = rate
  if limit.factor then
    rate = rate * factor_now(limit)
    burst = math.max(1, burst * progress(limit))
  end
  -- Nothing is known: a slot is free, but no burst.
  local tokens, filled = limit.tokens or 1, limit.tokens and limit.filled or now
  local mean = ((before or rate) + rate) / 2
  limit.free_at = math.min(limit.free_at or math.huge, filled + (1 - tokens) / mean)
  limit.tokens = math.min(burst, tokens + math.max(0, now - filled) * mean)
  if limit.free_at > now or limit.tokens < 1 then limit.free_at = now + (1 - limit.tokens) / rate end
  limit.free_at = math.max(limit.free_at, ended)
  limit.rate, limit.burst, limit.filled = rate, burst, now
end

-- A slot is granted.
local function count_slot(limit)
  if limit.factor then limit.sent = (limit.sent or 0) + 1 end
  local minute = math.floor(now / MINUTE)
  if limit.minute ~= minute then
    limit.calls_before = limit.minute == minute - 1 and limit.calls or 0
    limit.minute, limit.calls = minute, 0
  end
  limit.calls = limit.calls + 1
end

-- In `back` and `waiting` a process has a member for its calls (c:), its batches (b:), and what is remembered
-- of its last slot (g:) and of what it used alone (u:). The fields calls and batches of `waiting` are sums.
local SUMS = {['c:'] = 'calls', ['b:'] = 'batches'}

-- How many callers of one kind wait in a process.
local function set_waiting(waiting, member, before, count)
  if before == count then return end
  redis.call('HINCRBY', waiting, SUMS[string.sub(member, 1, 2)], whole(count - before))
  if count > 0 then
    redis.call('HSET', waiting, member, whole(count))
  else
    redis.call('HDEL', waiting, member)
  end
end

-- Forgets a member of `back` that did not come back.
local function forget(queue, batches, back, waiting, member)
  local kind, id = string.sub(member, 1, 2), string.sub(member, 3)
  redis.call('ZREM', back, member)
  if SUMS[kind] then
    redis.call('ZREM', kind == 'c:' and queue or batches, id)
    set_waiting(waiting, member, tonumber(redis.call('HGET', waiting, member) or 0), 0)
  else
    redis.call('HDEL', waiting, member)
  end
end
