-- A slot for something that can wait: only if one is free now, and nobody waits.
--
-- KEYS: limit, waiting
-- ARGV: per_minute set here (0: none), burst set here
-- Returns 1 if the slot is taken.
local limit = read_limit(KEYS[1])
local waiting = redis.call('HMGET', KEYS[2], 'calls', 'batches')
if tonumber(waiting[1] or 0) > 0 or tonumber(waiting[2] or 0) > 0 or limit.pause_until then return 0 end
local set = smallest_set(limit, tonumber(ARGV[1]), tonumber(ARGV[2]))
fill(limit, set)
if limit.rate and limit.tokens < 1 then return 0 end
if limit.tokens then limit.tokens = limit.tokens - 1 end
if limit.factor then limit.sent = (limit.sent or 0) + 1 end
local minute = math.floor(now / MINUTE)
if limit.minute ~= minute then
  limit.calls_before = limit.minute == minute - 1 and limit.calls or 0
  limit.minute, limit.calls = minute, 0
end
limit.calls = limit.calls + 1
write_limit(KEYS[1], limit)
return 1
