"""metrics: everything counted of each request, against not counting, and against counting in Lua."""

import re
import urllib.request

import instructions
from compare import in_turn
from load import Request, ask_well
from lua import MODULES, SCRIPTS, UNPACKED, fetch
from machine import BenchError
from nginx import Nginx, proxy_text, upstream_app

ABOUT = "guard_metrics on a proxied GET, against the bare proxy, and against Lua with a shared dict"
TARGET_BARE = ">= 0.98"
TARGET_LUA = ">= 1.3"
ANSWER = '{"id":4711,"status":"accepted","links":{"self":"/api/items/4711"}}'
REQUEST = Request("/api/items/4711", headers={"User-Agent": "bench", "Accept": "application/json"})

# The same in the usual Lua way: requests by route, method and status class, bytes, and the buckets
# and sums of both times.
LUA = """
    lua_package_path "{scripts}/?.lua;{scripts}/?/init.lua;;";
    lua_shared_dict counters 10m;
    init_by_lua_block {{
        local bounds = {{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}}
        local function observe(dict, name, seconds)
            local bucket = "+Inf"
            for i = 1, #bounds do
                if seconds <= bounds[i] then bucket = bounds[i] break end
            end
            dict:incr(name .. "_bucket{{le=" .. bucket .. "}}", 1, 0)
            dict:incr(name .. "_sum", seconds, 0)
        end
        function count()
            local dict, var = ngx.shared.counters, ngx.var
            local labels = "{{route=/api/,method=" .. var.request_method .. ",status=" .. math.floor(ngx.status / 100) .. "xx}}"
            dict:incr("requests" .. labels, 1, 0)
            dict:incr("bytes_in", tonumber(var.request_length), 0)
            dict:incr("bytes_out", tonumber(var.bytes_sent), 0)
            observe(dict, "request", tonumber(var.request_time))
            local upstream = tonumber(var.upstream_response_time)
            if upstream then observe(dict, "upstream", upstream) end
        end
    }}"""


def ours(app):
    text = proxy_text(app)
    return re.sub(r"location / ", "location = /metrics { guard_metrics; } location / ", text, count=1)


def lua(app):
    said = "log_by_lua_block { count() }"
    return LUA.format(scripts=SCRIPTS) + proxy_text(app, said)


def lua_options():
    library = next((UNPACKED / "lib").glob("*/libluajit-5.1.so.2")).parent
    return {"modules": MODULES, "environment": {"LD_LIBRARY_PATH": str(library)}}


def check_counts(app):
    """What is measured does count."""
    with Nginx("metrics-look", ours(app), guard=True) as server:
        for _ in range(3):
            ask_well(server, REQUEST)
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    if not re.search(r'^guard_requests_total\{.*route="/",method="GET",status="2xx"\} 3$', text, re.M):
        raise BenchError("three requests were not counted")


def measure(options):
    fetch()
    with upstream_app(ANSWER) as app:
        check_counts(app)
        rows = in_turn("metrics", lambda: Nginx("metrics-ours", ours(app), guard=True),
                       lambda: Nginx("metrics-bare", proxy_text(app)), "bare proxy", REQUEST, options, TARGET_BARE)
        rows.append(instructions.row("metrics", ours(app), proxy_text(app), "bare proxy", REQUEST, options))
        rows += in_turn("metrics", lambda: Nginx("metrics-ours", ours(app), guard=True),
                        lambda: Nginx("metrics-lua", lua(app), **lua_options()), "Lua", REQUEST, options, TARGET_LUA)
        # What counting for nothing would come to.
        rows += in_turn("metrics: the bare proxy", lambda: Nginx("metrics-bare", proxy_text(app)),
                        lambda: Nginx("metrics-lua", lua(app), **lua_options()), "Lua", REQUEST, options, "")
    return rows
