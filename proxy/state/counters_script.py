"""The rule of `proxy.access.ledger` in Redis' language. Each script is one atomic step.

KEYS holds four keys for each account (see `proxy.state.redis_counters`), and the end of ARGV five
limits for each: requests and tokens a minute, places, tokens a day and a month; -1 is no limit.
"""

from __future__ import annotations

from typing import Final

_COMMON: Final = """
local SPAN, STEP, KEPT = 60000, 1000, 34 * 86400000
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function written(number) return string.format('%.0f', number) end

local function parsed(text)
  local last, amount = string.match(text, '^(%d+) (%d+)$')
  return tonumber(last), tonumber(amount)
end

local function put(window, amount)
  local step = math.floor(now / STEP)
  local entry = window.entries[#window.entries]
  if not entry or entry.step ~= step then
    entry = {step = step, amount = 0}
    table.insert(window.entries, entry)
  end
  entry.last, entry.amount = now, entry.amount + amount
  window.used = window.used + amount
  redis.call('HSET', window.key, written(step), written(now) .. ' ' .. written(entry.amount))
  redis.call('PEXPIRE', window.key, SPAN)
end

local function window_at(key)
  local window, ahead = {key = key, entries = {}, used = 0}, 0
  local fields = redis.call('HGETALL', key)
  for i = 1, #fields, 2 do
    local last, amount = parsed(fields[i + 1])
    if last > now or last + SPAN <= now then
      redis.call('HDEL', key, fields[i])
      if last > now then ahead = ahead + amount end
    else
      table.insert(window.entries, {step = tonumber(fields[i]), last = last, amount = amount})
      window.used = window.used + amount
    end
  end
  table.sort(window.entries, function(a, b) return a.last < b.last end)
  if ahead > 0 then put(window, ahead) end
  return window
end

local function wait(window, room)
  local used, time = window.used, 0
  for _, entry in ipairs(window.entries) do
    if used <= room then break end
    used, time = used - entry.amount, entry.last + SPAN - now
  end
  return time
end

local function reset(window)
  if not window or window.used == 0 then return 0 end
  return window.entries[#window.entries].last + SPAN - now
end

local function periods_at(key, day, month)
  local found = redis.call('HMGET', key, 'day', 'day_tokens', 'month', 'month_tokens')
  local periods = {key = key, day = tonumber(found[2]) or 0, month = tonumber(found[4]) or 0}
  if day > (tonumber(found[1]) or 0) then
    periods.day = 0
    redis.call('HSET', key, 'day', day, 'day_tokens', 0)
  end
  if month > (tonumber(found[3]) or 0) then
    periods.month = 0
    redis.call('HSET', key, 'month', month, 'month_tokens', 0)
  end
  redis.call('PEXPIRE', key, KEPT)
  return periods
end

local function use(periods, tokens)
  periods.day = redis.call('HINCRBY', periods.key, 'day_tokens', written(tokens))
  periods.month = redis.call('HINCRBY', periods.key, 'month_tokens', written(tokens))
end

local function limits_of(account, first)
  local limits = {}
  for i = 1, 5 do limits[i] = tonumber(ARGV[first + 5 * (account - 1) + i - 1]) end
  return limits
end

local function key_of(account, part) return KEYS[4 * (account - 1) + part] end
"""

TAKE: Final = (
    _COMMON
    + """
local lease_ms, day, month = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local requests, lease = tonumber(ARGV[5]), ARGV[6]
local least, tokens = tonumber(ARGV[7]), tonumber(ARGV[8])
local accounts, room, taken = {}, math.huge, true

for i = 1, #KEYS / 4 do
  local limits = limits_of(i, 9)
  local account = {limits = limits, leases = 0}
  if limits[1] >= 0 then
    account.requests = window_at(key_of(i, 1))
    if account.requests.used + requests > limits[1] then taken = false end
  end
  if limits[2] >= 0 then
    account.tokens = window_at(key_of(i, 2))
    room = math.min(room, limits[2] - account.tokens.used)
  end
  if limits[3] >= 0 then
    redis.call('ZREMRANGEBYSCORE', key_of(i, 3), '-inf', now)
    account.leases = redis.call('ZCARD', key_of(i, 3))
    if lease ~= '' and account.leases >= limits[3] then taken = false end
  end
  if limits[4] >= 0 or limits[5] >= 0 then
    account.periods = periods_at(key_of(i, 4), day, month)
    if limits[4] >= 0 then room = math.min(room, limits[4] - account.periods.day) end
    if limits[5] >= 0 then room = math.min(room, limits[5] - account.periods.month) end
  end
  accounts[i] = account
end

if room < least then taken = false end
tokens = math.min(tokens, room)
if not taken then tokens = 0 end
local reply = {taken and 1 or 0, tokens, now}
for i, account in ipairs(accounts) do
  local limits = account.limits
  if taken then
    if account.requests and requests > 0 then put(account.requests, requests) end
    if account.tokens and tokens > 0 then put(account.tokens, tokens) end
    if account.periods and tokens > 0 then use(account.periods, tokens) end
    if limits[3] >= 0 and lease ~= '' then
      redis.call('ZADD', key_of(i, 3), now + lease_ms, lease)
      redis.call('PEXPIRE', key_of(i, 3), lease_ms)
      account.leases = account.leases + 1
    end
  end
  local r, t, b = account.requests, account.tokens, account.periods
  for _, fact in ipairs({
    r and r.used or 0, r and not taken and wait(r, limits[1] - requests) or 0, reset(r),
    t and t.used or 0, t and not taken and wait(t, limits[2] - least) or 0, reset(t),
    account.leases, b and b.day or 0, b and b.month or 0
  }) do table.insert(reply, fact) end
end
return reply
"""
)
"""ARGV: the time in ms or "", a place's life in ms, day, month; requests, place, least, tokens.

Returns 0 or 1, the tokens taken, the time, and the nine facts of `Standing` for each account.
"""

SETTLE: Final = (
    _COMMON
    + """
local day, month, lease = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local more, at = tonumber(ARGV[5]), tonumber(ARGV[6])
local at_day, at_month = tonumber(ARGV[7]), tonumber(ARGV[8])

local function give_back(key, at_number, name, tokens)
  local found = redis.call('HMGET', key, name, name .. '_tokens')
  if tonumber(found[1]) == at_number then
    tokens = math.min(tokens, tonumber(found[2]))
    redis.call('HINCRBY', key, name .. '_tokens', written(-tokens))
  end
end

for i = 1, #KEYS / 4 do
  local limits = limits_of(i, 9)
  if limits[3] >= 0 then redis.call('ZREM', key_of(i, 3), lease) end
  if limits[2] >= 0 then
    local key, step = key_of(i, 2), written(math.floor(at / STEP))
    local window = window_at(key)
    local entry = redis.call('HGET', key, step)
    if more > 0 then
      put(window, more)
    elseif entry then
      local last, amount = parsed(entry)
      redis.call('HSET', key, step, written(last) .. ' ' .. written(math.max(0, amount + more)))
    end
  end
  if limits[4] >= 0 or limits[5] >= 0 then
    local periods = periods_at(key_of(i, 4), day, month)
    if more > 0 then
      use(periods, more)
    else
      give_back(key_of(i, 4), at_day, 'day', -more)
      give_back(key_of(i, 4), at_month, 'month', -more)
    end
  end
end
return {1}
"""
)
"""ARGV: the time, day, month, place; the tokens to add (or, below 0, to give back), and the time,
day and month that they were taken at."""

RENEW: Final = (
    _COMMON
    + """
for _, key in ipairs(KEYS) do
  redis.call('ZADD', key, 'XX', now + tonumber(ARGV[2]), ARGV[3])
  redis.call('PEXPIRE', key, ARGV[2])
end
return {1}
"""
)
"""KEYS: the places' keys alone. ARGV: the time, a place's life in ms, the place.

A place that Redis has lost is not made again: its answer may have ended since.
"""
