-- The right to ask a question.
--
-- KEYS: order, lease
-- ARGV: seen, nonce, milliseconds, the nonce of the one that was waited for ('' if nobody was)
-- Returns: {1, ''}: it is given. {2, answer}: whoever asked meanwhile has this answer. {0, nonce}: this one asks.
local nonce, milliseconds, waited_for = ARGV[2], tonumber(ARGV[3]), ARGV[4]
local value = redis.pcall('GET', KEYS[2])
if type(value) == 'string' then
  local holder, answer = string.match(value, '^(%S+) ?(.*)$')
  -- One that does not end, or later than a lease does, was not put there by us.
  local left = redis.call('PTTL', KEYS[2])
  local ends = left >= 0 and left <= milliseconds
  if holder and answer == '' and holder ~= nonce and ends then return {0, holder} end
  if holder and answer ~= '' and waited_for ~= '' then
    -- See settle.lua. A yes only if nothing was denied since.
    local denial, subject, token, rest = string.match(answer, '^(%d) (%S+) (%S+) (.*)$')
    local order_began, since = string.match(rest or '', '^%d+ (%d+) (%d+) ')
    local ticket = since and began + tonumber(since)
    if ticket and tonumber(order_began) == began
      and (denial == '1' or no_denial_since(ticket, subject) and no_denial_since(ticket, token)) then
      return {2, rest}
    end
  end
end
redis.call('SET', KEYS[2], nonce, 'PX', milliseconds)
return {1, ''}
