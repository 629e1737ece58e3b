-- An answer has arrived, or is known from elsewhere. Decides whether it is kept.
--
-- KEYS: order, answer, token (by user: the answer again), lease
-- ARGV: 1 seen, 2 ticket of the attempt, 3 when its order began, 4 the user and resource as a denial,
--       5 the token as a denial ('' by user), 6 1 if it is a denial, 7 format, 8 answer, 9 time to live (ms),
--       10 user and resource for the token, 11 time to live of the token (ms), 12 nonce of the lease (''),
--       13 answer for those who wait, 14 how long they may have it (ms),
--       15 1 if it is known from elsewhere: then it is ignored if something newer is known
-- Returns: 1 if it is certain that no denial arrived meanwhile; the last ticket
local ticket, subject, token = tonumber(ARGV[2]), ARGV[4], ARGV[5]
local is_denial, format = ARGV[6] == '1', tonumber(ARGV[7])
local subject_undisputed = tonumber(ARGV[3]) == began and no_denial_since(ticket, subject)
local undisputed = subject_undisputed and (token == '' or no_denial_since(ticket, token))
local function result() return {undisputed and 1 or 0, last} end

if ARGV[15] == '1' then
  local _, kept_ticket = kept(KEYS[2])
  if not undisputed or kept_ticket > ticket then return result() end
end
if is_denial then deny(subject) end
if subject_undisputed then
  keep(KEYS[2], ticket, is_denial, format, ARGV[8], tonumber(ARGV[9]))
elseif is_denial then
  redis.call('DEL', KEYS[2])
end
if token ~= '' and undisputed then redis.call('SET', KEYS[3], ARGV[10], 'PX', ARGV[11]) end
if ARGV[12] ~= '' and undisputed and redis.pcall('GET', KEYS[4]) == ARGV[12] then
  local denied = {ARGV[6], subject, token == '' and subject or token}
  local value = {ARGV[12], table.concat(denied, ' '), head(format, ticket), ARGV[13]}
  redis.call('SET', KEYS[4], table.concat(value, ' '), 'PX', ARGV[14])
end
return result()
