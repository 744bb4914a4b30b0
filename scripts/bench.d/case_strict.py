"""strict: rate limits in Redis, against what is usual for that and against not sharing at all."""

from contextlib import contextmanager
from statistics import median

import instructions
from compare import Row, in_turn, rounds_of
from load import Request, run_steadily
from lua import fetch, lua_nginx
from machine import LOAD_CORE, SERVER_CORE, BenchError
from memory import waiting
from nginx import Nginx
from redis_server import Redis

ABOUT = ("guard_rate redis= against one INCR from Lua, no limit, shared memory; p99 at half load; "
         "memory of 10,000 waiting")
TARGET_LUA = ">= 1.8"
TARGET_CPU = "<= 1.3"
TARGET_FLOOD = ">= 0.9"
TARGET_P99 = "<= 1.0"
TARGET_INTERVAL = ">= 0.95"
TARGET_MEMORY = "<= 1 ours"
WAITING = 10_000

# on_error=closed: a request that Redis has not counted would not be answered by 200.
# timeout: what Lua's client waits for. Only what is refused by the rate is refused.
SHARED = """
    client_header_timeout 1h;
    guard_key_secret 0123456789abcdef0123456789abcdef;
    guard_redis main {url} timeout={timeout};
    guard_rate_policy load rate={rate} key=$arg_k redis=main on_error=closed {sync};
    server {{
        listen {{listen}};
        location / {{ empty_gif; guard_rate load; guard_rate_fields off; }}
        location = /status {{ stub_status; guard_rate off; }}
    }}"""
LOCAL = """
    guard_rate_policy load rate={rate} key=$arg_k;
    server {{
        listen {{listen}};
        location / {{ empty_gif; guard_rate load; guard_rate_fields off; }}
    }}"""
UNLIMITED = """
    server {
        listen {listen};
        location / { empty_gif; }
    }"""
LIFTED = "1000000/second"
VARIED = Request("/pixel.gif?k=user-{key}", keys=100_000)
FLOOD = Request("/pixel.gif?k=user-12345", refused="all")


class Sides:
    """Servers that share one Redis, which shared() starts anew on that core."""

    # The load stands for clients elsewhere, whose time is nobody's: it has a core of its own. What
    # serves them, nginx and the Redis of the same host, shares the other one, so a throughput is
    # what both of them take for a request.
    def __init__(self, core=SERVER_CORE):
        self.core = core
        self.redis = None
        self.sent = 0  # commands, in the last life of Redis

    @contextmanager
    def shared(self):
        with Redis(core=self.core) as self.redis:
            yield
            self.sent = self.redis.calls()

    def strict(self, rate=LIFTED, sync="sync=strict", timeout="1s"):
        return Nginx("strict-ours", SHARED.format(url=self.redis.unix_url, rate=rate, sync=sync,
                                                  timeout=timeout), guard=True)

    def interval(self, rate=LIFTED):
        return self.strict(rate, sync="sync=100ms")

    def lua(self):
        return lua_nginx("strict-lua", self.redis)

    @staticmethod
    def local(rate=LIFTED):
        return Nginx("strict-local", LOCAL.format(rate=rate), guard=True)

    @staticmethod
    def unlimited():
        return Nginx("strict-none", UNLIMITED)


def against_lua(sides, options, connections):
    case = f"strict: {connections} connections"
    rows = in_turn(case, sides.strict, sides.lua, "Lua, INCR", VARIED, options, TARGET_LUA,
                   connections, around=sides.shared)
    return rows + in_turn(case, sides.strict, sides.unlimited, "no limit", VARIED, options, "",
                          connections, TARGET_CPU, around=sides.shared)


def at_half_load(case, sides, options, peak, connections, target=""):
    """p99 at half of what can be done. Whatever the answers take, the rate stays the same."""
    rate = round(peak / 2)

    def ask(server, request, seconds, connections):
        return run_steadily(server, request, seconds, connections, rate)

    pairs = rounds_of(sides.strict, sides.lua, VARIED, options, connections, sides.shared, ask)
    for name, value in (("p50", lambda r: r.p50), ("p99", lambda r: r.p99)):
        of = [sorted(value(pair[i]) / 1000 for pair in pairs) for i in (0, 1)]
        print(f"{case} {rate:,} requests/s: {name} {of[0][0]:.2f} to {of[0][-1]:.2f} ms, "
              f"Lua {of[1][0]:.2f} to {of[1][-1]:.2f}, medians {median(of[0]):.2f} and {median(of[1]):.2f}", flush=True)
    return Row(f"{case} p99 at {rate:,}/s, {connections} connections", "ms",
               median(a.p99 for a, _ in pairs) / 1000, median(b.p99 for _, b in pairs) / 1000,
               "Lua, INCR", median(a.p99 / b.p99 for a, b in pairs), target)


def flood(sides, options):
    """Over the limit, where every answer is 429: shared memory knows what Redis would say."""
    rows = in_turn("strict: flood over the limit", lambda: sides.strict("1/hour"),
                   lambda: sides.local("1/hour"), "shared memory", FLOOD, options, TARGET_FLOOD,
                   around=sides.shared)
    print(f"strict: flood over the limit: {sides.sent} commands to Redis in the last round")
    return rows + in_turn("strict: flood over the limit, sync=100ms", lambda: sides.interval("1/hour"),
                          lambda: sides.local("1/hour"), "shared memory", FLOOD, options,
                          TARGET_INTERVAL, around=sides.shared)


def by_interval(sides, options, case="strict: sync=100ms", target=TARGET_INTERVAL):
    return in_turn(case, sides.interval, sides.local, "shared memory", VARIED, options, target,
                   around=sides.shared)


def beside_the_load(options):
    """The same where Redis takes its time from the load instead. Whoever spends less of nginx's time
    than the load takes cannot gain by it: the load is the limit."""
    sides = Sides(LOAD_CORE)
    case = "strict, Redis on the load's core:"
    rows = []
    for connections in (32, 128):
        peak = in_turn(f"{case} {connections} connections", sides.strict, sides.lua, "Lua, INCR",
                       VARIED, options, "", connections, around=sides.shared)
        rows += peak
    rows += by_interval(sides, options, f"{case} sync=100ms", "")
    rows.append(at_half_load(case, sides, options, peak[0].ours, 128, TARGET_P99))
    rows.append(at_half_load(case, sides, options, peak[0].peer, 128))
    return rows


def in_instructions(sides, options):
    """One request at a time, so that each has a call of Redis of its own."""
    with sides.shared():
        ours = SHARED.format(url=sides.redis.unix_url, rate=LIFTED, sync="sync=strict", timeout="1m")
        return instructions.row("strict: one at a time", ours, UNLIMITED, "no limit", VARIED, options)


def memory(sides, options):
    rows = []
    megabyte = 1 << 20
    for name, one_by_one in (("in a burst", False), ("one by one", True)):
        if options.quick and one_by_one:
            continue
        with sides.shared():
            http = SHARED.format(url=sides.redis.unix_url, rate=LIFTED, sync="sync=strict",
                                 timeout="1m")
            heap = waiting("strict-waiting", http, sides.redis, VARIED, WAITING, one_by_one)
        if heap.pools < WAITING * 1024:
            raise BenchError(f"{WAITING} requests wait with {heap.pools} bytes of pools")
        rows.append(Row(f"strict: client, {WAITING:,} waiting, {name}", "MB", heap.own / megabyte,
                        heap.pools / megabyte, "their pools", heap.own / heap.pools, TARGET_MEMORY))
    return rows


def measure(options):
    fetch()
    print(f"strict: nginx and Redis on core {SERVER_CORE}, wrk on core {LOAD_CORE}")
    sides = Sides()
    rows = []
    for connections in (32, 128):
        rows += against_lua(sides, options, connections)
    # Half of what we can do with 128 connections Lua cannot do at all there.
    rows.append(at_half_load("strict:", sides, options, rows[0].ours, 128, TARGET_P99))
    rows.append(at_half_load("strict:", sides, options, rows[0].peer, 128))
    rows += flood(sides, options)
    rows += by_interval(sides, options)
    rows += beside_the_load(options)
    rows.append(in_instructions(sides, options))
    rows += memory(sides, options)
    return rows
