-- A slot for something that can wait: only if one is free now, and nobody waits.
--
-- KEYS: limit, waiting
-- ARGV: per_minute set here (0: none), burst set here
-- Returns 1 if the slot is taken.
local waiting = redis.pcall('HMGET', KEYS[2], 'calls', 'batches')
-- Of the wrong type: take.lua mends it.
if waiting.err or tonumber(waiting[1] or 0) > 0 or tonumber(waiting[2] or 0) > 0 then return 0 end
local limit = read_limit(KEYS[1])
if limit.pause_since then return 0 end
fill(limit, smallest_set(limit, tonumber(ARGV[1]), tonumber(ARGV[2])))
if limit.rate and limit.tokens < 1 then return 0 end
if limit.tokens then limit.tokens = limit.tokens - 1 end
limit.pause_until = nil
count_slot(limit)
write_limit(KEYS[1], limit)
return 1
