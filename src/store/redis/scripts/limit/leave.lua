-- A process says goodbye: nobody waits for it.
--
-- KEYS: queue, batches, back, waiting
-- ARGV: process
for _, kind in ipairs({'c:', 'b:', 'g:c:', 'g:b:', 'u:'}) do
  forget(KEYS[1], KEYS[2], KEYS[3], KEYS[4], kind .. ARGV[1])
end
return redis.status_reply('OK')
