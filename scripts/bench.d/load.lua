-- The load of one run. load.py writes a line before this one, which sets `target`.
local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

wrk.method = target.method
wrk.path = target.path
wrk.body = target.body
for name, value in pairs(target.headers) do wrk.headers[name] = value end

-- Several requests at once (HTTP/1.1's pipelining) where the load would be the limit otherwise.
if target.keys > 0 or target.at_once > 1 then
    local head, tail
    local random, keys, at_once = math.random, target.keys, target.at_once
    local parts = {}
    function init()
        math.randomseed(20200405)
        local text = wrk.format()
        if keys == 0 then
            text = text:rep(at_once)
            request = function() return text end
            return
        end
        local first, last = text:find("{key}", 1, true)
        head, tail = text:sub(1, first - 1), text:sub(last + 1)
    end
    function request()
        if at_once == 1 then return head .. random(0, keys - 1) .. tail end
        for i = 0, at_once - 1 do
            parts[3 * i + 1], parts[3 * i + 2], parts[3 * i + 3] = head, random(0, keys - 1), tail
        end
        return table.concat(parts)
    end
end

if target.delay > 0 then
    local random, twice = math.random, 2 * target.delay
    -- Drawn anew each time, so that the connections do not come in step.
    function delay()
        return math.floor(twice * random() + 0.5)
    end
end

if target.count ~= "nothing" then
    not_good, refused, first_at, last_at = 0, 0, 0, 0
    local may_pass, may_refuse = target.refused ~= "all", target.refused ~= "none"
    local function look_at(status)
        local is_refusal = status == target.refusal
        if is_refusal then refused = refused + 1 end
        local good = is_refusal and may_refuse or may_pass and status >= 200 and status <= 299
        if not good then not_good = not_good + 1 end
    end
    response = look_at
    if target.count == "times" then
        local ffi = require "ffi"
        ffi.cdef "typedef struct { long s, us; } when_t; int gettimeofday(when_t *, void *);"
        local when = ffi.new "when_t"
        response = function(status)
            look_at(status)
            ffi.C.gettimeofday(when, nil)
            last_at = tonumber(when.s) + tonumber(when.us) / 1e6
            if first_at == 0 then first_at = last_at end
        end
    end
end

-- A JSON list of [microseconds, how many answers took as long].
local function latencies(latency)
    local list = {}
    if target.count == "times" then
        for i = 1, #latency do list[i] = string.format("[%d,%d]", latency(i)) end
    end
    return "[" .. table.concat(list, ",") .. "]"
end

function done(summary, latency)
    local errors = summary.errors
    local bad, over, first, last = 0, errors.status, 0, 0
    if target.count ~= "nothing" then
        over = 0
        for _, thread in ipairs(threads) do
            bad = bad + thread:get("not_good")
            over = over + thread:get("refused")
            first, last = thread:get("first_at"), thread:get("last_at")
        end
    end
    io.write(string.format(
        'SUMMARY {"requests":%d,"duration":%d,"bytes":%d,"p50":%d,"p99":%d,"refused":%d,' ..
        '"first":%.6f,"last":%.6f,"latencies":%s,"errors":' ..
        '{"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d,"not good":%d}}\n',
        summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99), over,
        first, last, latencies(latency),
        errors.connect, errors.read, errors.write, errors.timeout, errors.status, bad))
end
