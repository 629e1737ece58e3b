-- The right to ask a question.
--
-- KEYS: lease
-- ARGV: nonce, milliseconds, the nonce of the one that was waited for ('' if nobody was)
-- Returns: {1, nil}: it is given. {2, answer}: the one that was waited for, or one that asked after it, has this answer.
-- {0, nonce}: this one asks.
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'string' then
  local holder, answer = string.match(value, '^(%S+) ?(.*)$')
  -- One that does not end, or later than a lease does, was not put there by us.
  local left = redis.call('PTTL', KEYS[1])
  local ends = left >= 0 and left <= tonumber(ARGV[2])
  if holder and answer == '' and holder ~= ARGV[1] and ends then return {0, holder} end
  if holder and answer ~= '' and ARGV[3] ~= '' then return {2, answer} end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return {1, false}
