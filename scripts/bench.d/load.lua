-- The load of one run. load.py writes a line before this one, which sets `target`.
local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

wrk.method = target.method
wrk.path = target.path
wrk.body = target.body
for name, value in pairs(target.headers) do wrk.headers[name] = value end

if target.keys > 0 then
    local head, tail
    local random, keys = math.random, target.keys
    function init()
        math.randomseed(20200405)
        local text = wrk.format()
        local first, last = text:find("{key}", 1, true)
        head, tail = text:sub(1, first - 1), text:sub(last + 1)
    end
    function request()
        return head .. random(0, keys - 1) .. tail
    end
end

if target.count_statuses then
    answered = 0
    not_good = 0
    response = function(status)
        answered = answered + 1
        if status < 200 or status > 299 then not_good = not_good + 1 end
    end
end

function done(summary, latency)
    local errors = summary.errors
    local bad = 0
    if target.count_statuses then
        for _, thread in ipairs(threads) do bad = bad + thread:get("not_good") end
    end
    io.write(string.format(
        'SUMMARY {"requests":%d,"duration":%d,"bytes":%d,"p50":%d,"p99":%d,"errors":' ..
        '{"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d,"not 2xx":%d}}\n',
        summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99),
        errors.connect, errors.read, errors.write, errors.timeout, errors.status, bad))
end
