-- Each second: whether Redis can be used, and what each process has to know.
--
-- KEYS: order, processes, switch
-- ARGV: seen, process, how long a process counts without a beat
-- Returns: the time, when the order began, how many processes there are, 1 if sharing is switched off
local ticket = draw()
redis.call('ZADD', KEYS[2], whole(ticket), ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', whole(ticket - tonumber(ARGV[3])))
redis.call('PEXPIRE', KEYS[2], KEPT)
return {ticket, began, redis.call('ZCARD', KEYS[2]), redis.call('EXISTS', KEYS[3])}
