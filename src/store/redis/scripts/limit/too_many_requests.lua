-- A request was answered 429: slower from now on, and a pause if one was asked for, which replaces an earlier one.
--
-- KEYS: limit
-- ARGV: how long ago the request was sent, the pause (-1: none), 1 if it was a batch's
local A_YEAR = 365 * 24 * 60 * MINUTE
local limit = read_limit(KEYS[1])
local sent, pause, is_batch = now - tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3] == '1'
local set = smallest_set(limit, 0, 1)
fill(limit, set)

if limit.factor then
  local factor = factor_now(limit)
  -- Requests that were under way together count once.
  if sent > limit.decreased_at then
    local granted = (limit.sent or 0) / math.max(1, now - limit.decreased_at) / limit.base_rate
    local decreased = math.min(SMALLEST_DECREASE * factor, SHARE_OF_GRANTED * granted)
    factor = math.max(MIN_FACTOR, LARGEST_DECREASE * factor, decreased)
    limit.decreased_at, limit.sent = now, 0
  end
  limit.factor, limit.last_429 = factor, now
elseif set or is_batch then
  limit.factor, limit.last_429, limit.decreased_at, limit.sent = set and SMALLEST_DECREASE or 1, now, now, 0
end
if limit.factor then
  fill(limit, set)
  -- The server's own bucket has no room for a burst.
  limit.tokens = math.min(0, limit.tokens)
end
if pause >= 0 then
  limit.pause_since, limit.pause_until, limit.probe_at = now, now + math.min(pause, A_YEAR), now + MINUTE
end
write_limit(KEYS[1], limit)
return redis.status_reply('OK')
