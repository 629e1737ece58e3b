-- All answers are forgotten: the order begins anew.
--
-- KEYS: order
-- ARGV: seen
-- Returns: the last ticket
local ticket = draw()
redis.call('DEL', order)
redis.call('ZADD', order, whole(ticket), '#', whole(ticket), '', whole(ticket), '@', whole(added), '~')
redis.call('PEXPIRE', order, KEPT)
return ticket
