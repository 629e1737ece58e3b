-- An attempt is sent now.
--
-- KEYS: order, lease
-- ARGV: seen, nonce of the lease ('' without one), milliseconds
-- Returns: the ticket, when the order began. {0, 0} if another process has the lease.
if ARGV[2] ~= '' then
  local holder = redis.pcall('GET', KEYS[2])
  if type(holder) == 'string' and holder ~= ARGV[2] and not string.find(holder, ' ', 1, true) then return {0, 0} end
  redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
end
return {draw(), began}
