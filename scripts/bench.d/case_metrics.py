"""metrics: everything counted of each request, against not counting, and against counting in Lua."""

import re
import urllib.request
from collections import Counter

import instructions
from compare import in_turn
from load import Request, ask_well
from lua import MODULES, SCRIPTS, UNPACKED, fetch
from machine import BenchError
from nginx import Nginx, proxy_text, upstream_app

ABOUT = "guard_metrics before a proxy and on nginx's own answers, against not counting and against Lua with a shared dict"
TARGET_BARE = ">= 0.98"
TARGET_LUA = ">= 1.3"
ANSWER = '{"id":4711,"status":"accepted","links":{"self":"/api/items/4711"}}'
HEADERS = {"User-Agent": "bench", "Accept": "application/json"}
PROXIED = Request("/api/items/4711", headers=HEADERS)
# Asked one by one, the load would be the limit.
OWN = Request("/api/items/4711", headers=HEADERS, at_once=4)

# The same in the usual Lua way, by server and route: requests by method and status class, bytes, and the
# buckets and sums of both times. A name is put together once and not for each request, and buckets are
# added up where they are shown, as with Guard.
LUA = """
    lua_package_path "{scripts}/?.lua;{scripts}/?/init.lua;;";
    lua_shared_dict counters 10m;
    init_by_lua_block {
        local format, floor, tonumber = string.format, math.floor, tonumber
        local bounds = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, math.huge}
        local function histogram(name, labels)
            local buckets = {}
            for i, bound in ipairs(bounds) do
                local le = bound == math.huge and "+Inf" or bound
                buckets[i] = format('%s_bucket{%s,le="%s"}', name, labels, le)
            end
            return {buckets = buckets, sum = format("%s_sum{%s}", name, labels)}
        end
        local function observe(dict, names, seconds)
            local i = 1
            while seconds > bounds[i] do i = i + 1 end
            dict:incr(names.buckets[i], 1, 0)
            dict:incr(names.sum, seconds, 0)
        end
        local function made_once(make)
            return setmetatable({}, {__index = function(known, key)
                known[key] = make(key)
                return known[key]
            end})
        end
        local series = made_once(function(server) return made_once(function(route)
            local labels = format('server="%s",route="%s"', server, route)
            return {
                requests = made_once(function(method) return made_once(function(class)
                    return format('requests_total{%s,method="%s",status="%dxx"}', labels, method, class)
                end) end),
                bytes_in = format("request_bytes_total{%s}", labels),
                bytes_out = format("response_bytes_total{%s}", labels),
                duration = histogram("request_duration_seconds", labels),
                upstream = histogram("upstream_duration_seconds", labels),
            }
        end) end)
        function count(server, route)
            local dict, var = ngx.shared.counters, ngx.var
            local names = series[server][route]
            dict:incr(names.requests[var.request_method][floor(ngx.status / 100)], 1, 0)
            dict:incr(names.bytes_in, tonumber(var.request_length), 0)
            dict:incr(names.bytes_out, tonumber(var.bytes_sent), 0)
            observe(dict, names.duration, tonumber(var.request_time))
            local upstream = tonumber(var.upstream_response_time)
            if upstream then observe(dict, names.upstream, upstream) end
        end
        function show()
            local dict = ngx.shared.counters
            for _, name in ipairs(dict:get_keys(0)) do ngx.say(name, " ", dict:get(name)) end
        end
    }
"""
COUNTED_BY_LUA = 'log_by_lua_block { count("bench", "/") }'


def own_text(said=""):
    """nginx's own answer, which takes so little that counting shows."""
    return f"""
    default_type application/json;
    server {{
        listen {{listen}};
        location / {{ {said} return 200 '{ANSWER}'; }}
    }}"""


def counted(text):
    return re.sub(r"location / ", "location = /metrics { guard_metrics; } location / ", text, count=1)


def counted_by_lua(text, said=""):
    """said: what the server says besides."""
    text = re.sub(r"location / {", f"{said} location / {{ {COUNTED_BY_LUA}", text, count=1)
    return LUA.replace("{scripts}", str(SCRIPTS)) + text


def lua_options():
    library = next((UNPACKED / "lib").glob("*/libluajit-5.1.so.2")).parent
    return {"modules": MODULES, "environment": {"LD_LIBRARY_PATH": str(library)}}


def series(server, path, requests=3):
    """What a server says that it has counted of as many requests, without a prefix of its own."""
    for _ in range(requests):
        ask_well(server, PROXIED)
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=10) as answer:
        lines = re.findall(r"^(?:guard_)?(\w+\{.*route=\"/\".*\}) (\S+)$", answer.read().decode(), re.M)
    return {name: float(value) for name, value in lines}


def check_counts(text):
    """Both count, and the same: all but times, of which there are as many."""
    with Nginx("metrics-look", counted(text), guard=True) as server:
        ours = series(server, "/metrics")
    with Nginx("metrics-look", counted_by_lua(text, "location = /counters { content_by_lua_block { show() } }"),
               **lua_options()) as server:
        theirs = series(server, "/counters")
    counts = Counter()
    for name, value in theirs.items():
        # Each of Lua's buckets is without those below it.
        histogram = re.sub(r'_bucket(\{.*),le=".*"\}', r"_count\1}", name)
        if not histogram.partition("{")[0].endswith("_sum"):
            counts[histogram] += value
    if counts['requests_total{server="bench",route="/",method="GET",status="2xx"}'] != 3:
        raise BenchError(f"three requests were not counted: {theirs}")
    for name, value in ours.items():
        if not re.search(r"^\w+_(bucket|sum)\{", name) and counts[name] != value:
            raise BenchError(f"{name} is {value} of Guard, and {counts[name]} of Lua")


def measure(options):
    fetch()
    rows = []
    with upstream_app(ANSWER) as app:
        for case, text, request in (("metrics", proxy_text(app), PROXIED),
                                    ("metrics, own answers", own_text(), OWN)):
            text = text.replace("listen {listen};", "listen {listen}; server_name bench;")
            check_counts(text)

            def ours(text=text):
                return Nginx("metrics-ours", counted(text), guard=True)

            def bare(text=text):
                return Nginx("metrics-bare", text)

            def lua(text=text):
                return Nginx("metrics-lua", counted_by_lua(text), **lua_options())

            rows += in_turn(case, ours, bare, "not counted", request, options, TARGET_BARE)
            rows.append(instructions.row(case, counted(text), text, "not counted", request, options))
            rows += in_turn(case, ours, lua, "Lua", request, options, TARGET_LUA)
            # What counting for nothing would come to.
            rows += in_turn(f"{case}: not counted", bare, lua, "Lua", request, options, "")
    return rows
