-- Gives a lease back.
--
-- KEYS: lease
-- ARGV: nonce
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
