-- Figma has refused a question, or somebody knows that the answer does not hold any more.
--
-- KEYS: order, answer or token, lease ('' is the key before again)
-- ARGV: seen, who or what is denied
-- Returns: the last ticket
deny(ARGV[2])
redis.call('DEL', KEYS[2])
-- What others may still take from there is older.
local value = redis.pcall('GET', KEYS[3])
if type(value) == 'string' and string.find(value, ' ', 1, true) then redis.call('DEL', KEYS[3]) end
return last
