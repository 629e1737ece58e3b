-- A request was answered, and not with 429. The pause ends if the request was sent in it.
--
-- KEYS: limit
-- ARGV: how long ago the request was sent
-- Returns 1 if a pause ended.
local limit = read_limit(KEYS[1])
if not limit.pause_since or now - tonumber(ARGV[1]) < limit.pause_since then return 0 end
limit.pause_since, limit.pause_until, limit.probe_at = nil, now, nil
write_limit(KEYS[1], limit)
return 1
