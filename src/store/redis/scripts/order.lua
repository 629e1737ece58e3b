-- Put before each script of the answers. They keep one order for a whole namespace:
-- each attempt draws a ticket when it is sent, each denial draws one when it arrives, and an answer with access is kept only
-- if its ticket is higher than that of every denial about the same user and resource.
--
-- KEYS[1] is the order, a sorted set: '#' is the last ticket, '' the floor, '@' when the order began, '~' what is added to the
-- server's clock so that time never goes back; all others are denials. ARGV[1] is the highest ticket that the process has seen.
-- Tickets are microseconds since 1970.
local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local order, seen = KEYS[1], tonumber(ARGV[1])
local MOST_ADDED = 315360000000000 -- ten years

local KEPT = 2592000000 -- milliseconds
local MAX_DENIALS = 10000
local LARGEST = 4503599627370496 -- microseconds until the year 2112, and far below where whole numbers are not exact

local function whole(number) return string.format('%.0f', number) end

local function score(member)
  local found = redis.pcall('ZSCORE', order, member)
  found = type(found) == 'string' and tonumber(found)
  return found and found >= 0 and found < LARGEST and found or nil
end

local last, floor, began, added = score('#'), score(''), score('@'), score('~')

-- It begins anew if anything of it is missing, or if this process has seen more of it: then Redis has lost what came last.
-- What was sent before, and what was kept before, does not count any more.
if not (last and floor and began and added) or added > MOST_ADDED or seen > last then
  last = math.max(clock, seen) + 1
  floor, began, added = last, last, last - clock
  redis.call('DEL', order)
  redis.call('ZADD', order, whole(last), '#', whole(floor), '', whole(began), '@', whole(added), '~')
  redis.call('PEXPIRE', order, KEPT)
end

-- The time, which never goes back.
local function draw()
  local ticket = clock + added
  if ticket <= last then
    added = last + 1 - clock
    ticket = last + 1
    redis.call('ZADD', order, whole(added), '~')
  end
  last = ticket
  redis.call('ZADD', order, whole(ticket), '#')
  redis.call('PEXPIRE', order, KEPT)
  return ticket
end

-- A denial has arrived. When there are too many, the oldest go, and the floor rises to them.
local function deny(denied)
  redis.call('ZADD', order, whole(draw()), denied)
  local over = redis.call('ZCARD', order) - 4 - MAX_DENIALS
  if over <= 0 then return end
  local oldest = redis.call('ZRANGE', order, 0, over + 3, 'WITHSCORES')
  for i = 1, #oldest, 2 do
    local member = oldest[i]
    if over > 0 and member ~= '#' and member ~= '' and member ~= '@' and member ~= '~' then
      redis.call('ZREM', order, member)
      redis.call('ZADD', order, 'GT', oldest[i + 1], '')
      over = over - 1
    end
  end
end

-- Whether it is certain that nothing of this was denied since the ticket was drawn.
local function no_denial_since(ticket, denied)
  return ticket > floor and ticket <= last and ticket > (score(denied) or 0)
end

-- A value that another process kept: its format, and the ticket of its attempt if it counts.
local function kept(key)
  local value = redis.pcall('GET', key)
  if type(value) ~= 'string' then return 0, 0 end
  local format, order_began, since = string.match(value, '^(%d+) (%d+) (%d+) ')
  if not format then return 0, 0 end
  local ticket = began + tonumber(since)
  local counts = tonumber(order_began) == began and ticket <= last
  return tonumber(format), counts and ticket or 0
end

-- What stands before an answer: the format, when the order began, and how long after that its attempt was sent.
local function head(format, ticket) return table.concat({whole(format), whole(began), whole(ticket - began)}, ' ') end

-- Keeps an answer, unless a newer one is there, or one of a newer version of this crate.
local function keep(key, ticket, is_denial, format, body, time_to_live)
  local kept_format, kept_ticket = kept(key)
  if is_denial then redis.call('DEL', key) end
  if kept_format > format or kept_ticket > ticket then return end
  local left = math.floor(time_to_live - (clock + added - ticket) / 1000)
  if left > 0 then
    redis.call('SET', key, head(format, ticket) .. ' ' .. body, 'PX', left)
  elseif kept_ticket < ticket then
    redis.call('DEL', key)
  end
end
