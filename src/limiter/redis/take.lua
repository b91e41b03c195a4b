-- Takes one request from the limits of a token and of its tenant: from all of them or from none.
--
-- KEYS  one for each that has a limit: the token's own, the tenant's.
-- ARGV  how many quotas are the token's own, then the limit and the window (in milliseconds) of
--       each, then those of the tenant; of each the shortest window first.
-- Gives {1, remaining of each of the token's quotas}, or {0, remaining, reset and wait of each of
-- its quotas} where the first key refuses, or {2, ...} where the tenant does beside its own limit.
--
-- A key holds one string; its numbers are doubles of 8 bytes, and its times are microseconds.
--   6 numbers   time of the latest request; when the key expires; how many requests were counted in
--               all; the longest window in use; slots of the log; the newest request before the log
--   3 places    one for each quota: its window, negative where it is counted in buckets; the newest
--               entry that has left the window; how many requests had been counted with it; the
--               newest entry; the time of the oldest entry that is still within
--   buckets     121 entries for each quota that is counted so: the time of the last request, and how
--               many were counted with it
--   log         the times of the newest requests, one for each slot
-- An entry's slot is the rest of its number. Of the log, an entry's number is the request's.

local time = redis.call('TIME')
local clock = time[1] * 1000000 + time[2]
local call, pack, unpack, floor, ceil = redis.call, struct.pack, struct.unpack, math.floor, math.ceil
local HEADER, PLACE, BUCKETS, LARGEST_LOGGED = 48, 40, 121, 10000

-- The short way, for the usual case: one limit with one quota that is logged, as it was the last time,
-- and of which few requests have left the window since. Anything else goes the long way, which would
-- do the same. It makes no functions, as that takes as long as all the rest.
if #ARGV == 3 and ARGV[1] == '1' then
    local key, limit, window = KEYS[1], tonumber(ARGV[2]), ARGV[3] * 1000
    local text = call('GETRANGE', key, 0, HEADER + PLACE + 7)
    if text ~= '' then
        local latest, expires, count, longest, slots, first, one, tail, _, _, due, another =
            unpack('<dddddddddddd', text)
        if one == window and longest == window and another == 0 and limit <= slots then
            local now = clock > latest and clock or latest
            local horizon = now - window
            local is_known = true
            if tail < count and due <= horizon then
                -- The one that is due has left. Whether the next ones have, up to eight tell.
                tail = tail + 1
                local start = (tail + 1) % slots
                local most = math.min(8, count - tail, slots - start)
                is_known = most == 0
                if most > 0 then
                    start = HEADER + 3 * PLACE + 8 * start
                    local times, at = call('GETRANGE', key, start, start + 8 * most - 1), 1
                    for _ = 1, most do
                        due, at = unpack('<d', times, at)
                        if due > horizon then
                            is_known = true
                            break
                        end
                        tail = tail + 1
                    end
                    is_known = is_known or tail == count
                end
            end
            local used = count - tail
            if is_known and used < limit then
                if used == 0 then
                    due = now
                end
                count = count + 1
                local ms
                if expires < clock + window then
                    ms = ceil(window * 1.125 / 1000)
                    expires = clock + ms * 1000
                end
                first = math.max(first, tail, count - slots)
                call('SETRANGE', key, 0, pack('<ddddddddddd', now, expires, count, window, slots, first,
                    window, tail, tail, count, due))
                call('SETRANGE', key, HEADER + 3 * PLACE + 8 * (count % slots), pack('<d', now))
                if ms then
                    call('PEXPIRE', key, ms + 2)
                end
                return { 1, limit - used - 1 }
            end
            if is_known and used == limit then
                return { 0, 0, ceil((latest + window - now) / 1000), ceil((due + window - now) / 1000) }
            end
        end
    end
end

-- Where the entries of a quota stand, by the places before it.
local function lay_out(state)
    local offset = HEADER + 3 * PLACE
    for _, place in ipairs(state) do
        if place.bucketed then
            place.key, place.offset, place.size, place.slots = state.key, offset, 16, BUCKETS
            offset = offset + 16 * BUCKETS
        end
    end
    state.log = {
        key = state.key, offset = offset, size = 8, slots = state.slots,
        base = state.first, tail = state.first, newest = state.count,
    }
    for _, place in ipairs(state) do
        if not place.bucketed then
            place.key, place.offset, place.size, place.slots = state.key, offset, 8, state.slots
        end
    end
end

-- Time and count of an entry.
local function entry(of, number)
    local start = of.offset + of.size * (number % of.slots)
    local text = call('GETRANGE', of.key, start, start + of.size - 1)
    if of.size == 8 then
        return unpack('<d', text), number
    end
    return unpack('<dd', text)
end

-- The newest entry from `low` to `high` that is not after `horizon`, `low` being one of them; its
-- count; and the time of the one that follows.
local function search(of, low, base, high, horizon, following)
    local step = 1
    while low < high do
        local number = math.min(low + step, high)
        local at, count = entry(of, number)
        if at <= horizon then
            low, base, step = number, count, step * 2
        else
            high, following = number - 1, at
            step = ceil((high - low) / 2)
        end
    end
    return low, base, following
end

-- What is counted under a limit that is not the one that the key was laid out for: by whatever knows
-- enough of it, or by all and then the most.
local function count_otherwise(state, quota, horizon)
    local most
    local function ask(of)
        local tail, base, due = search(of, of.tail, of.base, of.newest, horizon)
        if not most or base < most.base then
            most = { of = of, tail = tail, base = base, due = due }
        end
    end
    local same
    for _, place in ipairs(state) do
        if place.bucketed and quota.bucketed and place.window == quota.window then
            same = place
        end
    end
    if same then
        ask(same)
    elseif state.slots > 0 and not (state.bucketed and (quota.bucketed or quota.limit > state.slots)) then
        ask(state.log)
    else
        if state.slots > 0 then
            ask(state.log)
        end
        for _, place in ipairs(state) do
            if place.bucketed then
                ask(place)
            end
        end
    end
    return most
end

-- What a key says of the quotas that begin at this place of ARGV, and of so many.
local function judge(key, from, quotas)
    local text = call('GETRANGE', key, 0, HEADER + 3 * PLACE - 1)
    local state = { key = key, bucketed = false }
    local slots, longest = 0, 0
    local asked = {}
    for number = 1, quotas do
        local limit, window = tonumber(ARGV[from]), ARGV[from + 1] * 1000
        from = from + 2
        local bucketed = limit > LARGEST_LOGGED
        if not bucketed then
            slots = limit
        end
        asked[number] = { limit = limit, window = window, bucketed = bucketed }
        longest = window
    end
    local as_laid_out = true
    if text == '' then
        state.latest, state.expires, state.count, state.longest, state.first = 0, 0, 0, 0, 0
        state.slots = slots
        for number, quota in ipairs(asked) do
            state[number] = {
                window = quota.window, bucketed = quota.bucketed, tail = 0, base = 0, newest = 0, due = 0,
            }
        end
    else
        local position
        state.latest, state.expires, state.count, state.longest, state.slots, state.first, position =
            unpack('<dddddd', text)
        for number = 1, 3 do
            local window, tail, base, newest, due
            window, tail, base, newest, due, position = unpack('<ddddd', text, position)
            if window == 0 then
                break
            end
            local bucketed = window < 0
            if bucketed then
                window, state.bucketed = -window, true
            end
            state[number] = {
                window = window, bucketed = bucketed, tail = tail, base = base, newest = newest, due = due,
            }
            local quota = asked[number]
            if not quota or quota.window ~= window or quota.bucketed ~= bucketed then
                as_laid_out = false
            end
        end
        if #state ~= quotas or state.slots < slots then
            as_laid_out = false
        end
    end
    lay_out(state)
    -- Time that runs backwards stands still.
    local now = math.max(clock, state.latest)
    state.now, state.asked, state.as_laid_out, state.room = now, asked, as_laid_out, true
    state.wanted_slots, state.wanted_longest = slots, longest
    for number, quota in ipairs(asked) do
        local horizon = now - quota.window
        if as_laid_out then
            local place = state[number]
            if place.tail < place.newest and place.due <= horizon then
                local tail = place.tail + 1
                local base = tail
                if place.bucketed then
                    base = select(2, entry(place, tail))
                end
                place.tail, place.base, place.due =
                    search(place, tail, base, place.newest, horizon, 0)
            end
            quota.of, quota.tail, quota.base = place, place.tail, place.base
        else
            local found = count_otherwise(state, quota, horizon)
            quota.of, quota.tail, quota.base = found.of, found.tail, found.base
        end
        quota.used = state.count - quota.base
        if quota.used >= quota.limit then
            state.room = false
        end
    end
    return state
end

-- The window that counts longest: of this limit, or of an earlier one while its requests count.
local function longest_in_use(state)
    if state.now - state.latest < state.longest then
        return math.max(state.longest, state.wanted_longest)
    end
    return state.wanted_longest
end

-- Keeps the key for as long as it counts, and not much longer. It is put off by an eighth more, so
-- that not every request has to put it off.
local function keep(state)
    if state.expires < clock + state.longest then
        local ms = ceil(state.longest * 1.125 / 1000)
        state.expires = clock + ms * 1000
        -- Redis goes by whole milliseconds of a time that it has read before.
        return ms + 2
    end
end

local function refuse(state, verdict)
    local longest = longest_in_use(state)
    if longest > state.longest then
        -- A longer window is in use from now on: what was counted must stay for as long.
        state.longest = longest
        local ms = keep(state)
        call('SETRANGE', state.key, 8, pack('<d', state.expires))
        call('SETRANGE', state.key, 24, pack('<d', longest))
        if ms then
            call('PEXPIRE', state.key, ms)
        end
    end
    local answer = { verdict }
    for _, quota in ipairs(state.asked) do
        local reset, wait = 0, 0
        if quota.used > 0 then
            reset = ceil((state.latest + quota.window - state.now) / 1000)
        end
        if quota.used >= quota.limit then
            -- Room is made by the first entry after which fewer than the limit count.
            local enough, of = state.count - quota.limit + 1, quota.of
            local at
            if of.size == 8 then
                at = entry(of, enough)
            else
                local low, high = quota.tail + 1, of.newest
                while low < high do
                    local middle = floor((low + high) / 2)
                    local count = select(2, entry(of, middle))
                    if count < enough then
                        low = middle + 1
                    else
                        high = middle
                    end
                end
                at = entry(of, low)
            end
            wait = ceil((at + quota.window - state.now) / 1000)
        end
        answer[#answer + 1] = math.max(0, quota.limit - quota.used)
        answer[#answer + 1] = reset
        answer[#answer + 1] = wait
    end
    return answer
end

-- The width of a bucket in milliseconds: the greatest power of two that is a sixtieth of the window
-- at most.
local function width(window)
    local exponent = select(2, math.frexp(floor(window / 60000)))
    return math.ldexp(1, exponent - 1)
end

local function bucket(at, window)
    return floor(floor(at / 1000) / width(window))
end

-- All requests that a key knows of, newest first, as times and how many had been counted with each.
local function known(state)
    local times, counts = {}, {}
    local left = state.count
    if state.slots > 0 then
        for number = state.count, state.first + 1, -1 do
            times[#times + 1], counts[#counts + 1] = entry(state.log, number), number
        end
        left = state.first
    end
    for _, place in ipairs(state) do
        if place.bucketed then
            for number = place.newest, place.tail + 1, -1 do
                local at, count = entry(place, number)
                local before = place.base
                if number > place.tail + 1 then
                    before = select(2, entry(place, number - 1))
                end
                if before < left then
                    -- It was counted before those that are known, and each time is a bound from above.
                    times[#times + 1] = math.min(at, times[#times] or at)
                    counts[#counts + 1] = math.min(count, left)
                    left = before
                end
            end
        end
    end
    return times, counts, left
end

-- Lays a key out anew for another limit, with all that it knows.
local function lay_out_anew(state)
    local times, counts, left = known(state)
    local sections, places = {}, {}
    for number, quota in ipairs(state.asked) do
        local horizon = state.now - quota.window
        local place = { window = quota.window, bucketed = quota.bucketed, due = 0 }
        places[number] = place
        if quota.bucketed then
            local text, last = {}, nil
            place.base, place.tail = left, 0
            for back = #times, 1, -1 do
                if times[back] <= horizon then
                    place.base = counts[back]
                else
                    local this = bucket(times[back], quota.window)
                    if this ~= last then
                        text[#text + 1] = ''
                        place.due = #text == 1 and times[back] or place.due
                    elseif #text == 1 then
                        place.due = times[back]
                    end
                    text[#text] = pack('<dd', times[back], counts[back])
                    last = this
                end
            end
            place.newest = #text
            -- The first has the number 1, and the slot 0 is that of the last.
            local slot_0 = #text == BUCKETS and table.remove(text) or string.rep('\0', 16)
            local rest = string.rep('\0', 16 * (BUCKETS - 1 - #text))
            sections[#sections + 1] = slot_0 .. table.concat(text) .. rest
        end
    end
    -- As long as it counts anything it knows as much as it ever did.
    local slots, log = state.wanted_slots, {}
    if state.now - state.latest < state.longest then
        slots = math.max(slots, state.slots)
    end
    if slots > 0 then
        local number, back = state.count, 1
        local least = math.max(left, state.count - slots)
        while number > least do
            while counts[back + 1] and counts[back + 1] >= number do
                back = back + 1
            end
            log[number % slots] = pack('<d', times[back])
            number = number - 1
        end
        state.first = least
        for slot = 0, slots - 1 do
            log[slot] = log[slot] or '\0\0\0\0\0\0\0\0'
        end
        sections[#sections + 1] = table.concat(log, '', 0, slots - 1)
    else
        state.first = state.count
    end
    call('SET', state.key, string.rep('\0', HEADER + 3 * PLACE) .. table.concat(sections))
    for number = 1, 3 do
        state[number] = places[number]
    end
    state.slots, state.expires = slots, 0
    for number, quota in ipairs(state.asked) do
        local place = places[number]
        if not quota.bucketed then
            place.newest = state.count
        end
    end
    lay_out(state)
    for number, place in ipairs(places) do
        if not place.bucketed then
            place.tail, place.base, place.due =
                search(state.log, state.first, state.first, state.count, state.now - place.window, 0)
        end
    end
end

local function count(state)
    local longest = longest_in_use(state)
    if not state.as_laid_out then
        lay_out_anew(state)
    end
    state.longest = longest
    local now, number, key = state.now, state.count + 1, state.key
    local was_bucket = state.latest
    state.latest, state.count = now, number
    local ms = keep(state)
    local header = {}
    for place_number, place in ipairs(state) do
        if place.bucketed then
            local is_open = place.newest > place.tail
                and bucket(was_bucket, place.window) == bucket(now, place.window)
            if not is_open then
                place.newest = place.newest + 1
            end
            if place.newest == place.tail + 1 then
                place.due = now
            end
            call('SETRANGE', key, place.offset + 16 * (place.newest % BUCKETS), pack('<dd', now, number))
        else
            if place.newest == place.tail then
                place.due = now
            end
            place.newest = number
        end
        local window = place.bucketed and -place.window or place.window
        header[place_number] = pack('<ddddd', window, place.tail, place.base, place.newest, place.due)
    end
    local slots = state.slots
    if slots > 0 then
        local last = state[#state]
        if last.window == longest and not last.bucketed then
            state.first = math.max(state.first, last.tail)
        elseif longest > last.window then
            state.first = search(state.log, state.first, state.first, number - 1, now - longest)
        end
        state.first = math.max(state.first, number - slots)
        call('SETRANGE', key, state.log.offset + 8 * (number % slots), pack('<d', now))
    else
        state.first = number
    end
    local text = pack('<dddddd', now, state.expires, number, longest, slots, state.first)
    call('SETRANGE', key, 0, text .. table.concat(header))
    if ms then
        call('PEXPIRE', key, ms)
    end
end

local own_quotas = tonumber(ARGV[1])
local shared_quotas = (#ARGV - 1) / 2 - own_quotas
local own = own_quotas > 0 and judge(KEYS[1], 2, own_quotas)
local shared = shared_quotas > 0 and judge(KEYS[#KEYS], 2 + 2 * own_quotas, shared_quotas)
if shared and not shared.room then
    return refuse(shared, 2)
end
if own and not own.room then
    return refuse(own, 0)
end
local answer = { 1 }
if own then
    count(own)
    for number, quota in ipairs(own.asked) do
        answer[number + 1] = quota.limit - quota.used - 1
    end
end
if shared then
    count(shared)
end
return answer
