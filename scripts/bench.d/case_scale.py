"""scale: the same rate limit on 1 to 8 nginx, which count together in Redis."""

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median

import scale_chart
from compare import Row, print_table
from load import Request, ask_well, run_on_all
from machine import CORES, LOAD_CORE, BenchError
from network import Network
from nginx import Nginx
from redis_server import Cluster, Redis

ABOUT = "1, 2, 4 and 8 nginx in network namespaces: admitted of allowed, commands to Redis, latency"
SIZES = (1, 2, 4, 8)
TARGET_ADMITTED = "<= 1.01"

# Of all nginx together. The limit is over-asked twice.
KEYS = 10
RATE = 100   # a second and key
BURST = 10
OFFERED = 2 * KEYS * RATE
CONNECTIONS = 32

# on_error=closed: what Redis was not asked about would show as a 503.
HTTP = """
    guard_key_secret 0123456789abcdef0123456789abcdef;
    guard_redis main {url} timeout=1s;
    guard_rate_policy few  rate={rate}/second burst={burst} key=$arg_k redis=main on_error=closed {sync};
    guard_rate_policy many rate=1000000/second key=$arg_k redis=main on_error=closed {sync};
    guard_rate_fields off;
    server {{
        listen {{listen}};
        location / {{ empty_gif; }}
        location /few {{ empty_gif; guard_rate few; }}
        location /many {{ empty_gif; guard_rate many; }}
    }}"""
SYNCS = ("strict", "100ms")
NONE = Request("/none?k=user-{key}", keys=10_000)
MANY = Request("/many?k=user-{key}", keys=10_000)
FEW = Request("/few?k=user-{key}", keys=KEYS, refused="some")


@dataclass
class Load:
    """What wrk has seen on all nginx together."""
    requests: int
    admitted: int
    span: float         # seconds from the first answer to the last one
    latencies: Counter  # how many answers took so many microseconds

    def quantile(self, share):
        left = share * sum(self.latencies.values())
        for latency in sorted(self.latencies):
            left -= self.latencies[latency]
            if left <= 0:
                return latency
        return max(self.latencies)

    def allowed(self):
        return KEYS * (BURST + RATE * self.span)


@dataclass
class Point:
    """One line of the table: figures of each round."""
    size: int
    store: str
    sync: str
    offered: list = field(default_factory=list)   # requests a second
    admitted: list = field(default_factory=list)  # a second
    allowed: list = field(default_factory=list)
    over: list = field(default_factory=list)      # commands a request, over the limit
    below: list = field(default_factory=list)     # and below it
    with_p50: list = field(default_factory=list)  # microseconds
    none_p50: list = field(default_factory=list)
    with_p99: list = field(default_factory=list)
    none_p99: list = field(default_factory=list)

    def share(self):
        return median(a / b for a, b in zip(self.admitted, self.allowed))

    def added(self, quantile):
        pairs = zip(getattr(self, f"with_{quantile}"), getattr(self, f"none_{quantile}"))
        return median(a - b for a, b in pairs)


def merged(summaries):
    latencies = Counter()
    for summary in summaries:
        for latency, count in summary["latencies"]:
            latencies[latency] += count
    requests = sum(summary["requests"] for summary in summaries)
    return Load(requests, requests - sum(summary["refused"] for summary in summaries),
                max(summary["last"] for summary in summaries)
                - min(summary["first"] for summary in summaries), latencies)


def load_all(servers, request, seconds):
    connections = CONNECTIONS // len(servers)
    delay = 1000 * CONNECTIONS / OFFERED
    return merged(run_on_all(servers, request, seconds, connections, delay))


def stores(network):
    """(name, whatever is to be started, its URL)"""
    redis = Redis(address=network.gateway, port=6379)
    cluster = Cluster(network.gateway, (7001, 7002, 7003))
    return (("one Redis", redis, f"redis://{network.gateway}:6379"),
            ("3 masters", cluster, cluster.url()))


def nginx_at(host, number, url, sync):
    namespace, address = host
    http = HTTP.format(url=url, rate=RATE, burst=BURST, sync=f"sync={sync}")
    return Nginx(f"scale-{number}", http, guard=True, cores=(CORES[number % len(CORES)],),
                 address=address, inside=("ip", "netns", "exec", namespace))


def measure_round(point, servers, store, options):
    for server in servers:
        ask_well(server, MANY)
    none = load_all(servers, NONE, options.seconds)
    before = store.calls()
    many = load_all(servers, MANY, options.seconds)
    between = store.calls()
    few = load_all(servers, FEW, options.seconds)
    point.below.append((between - before) / many.requests)
    point.over.append((store.calls() - between) / few.requests)
    point.offered.append(few.requests / few.span)
    point.admitted.append(few.admitted / few.span)
    point.allowed.append(few.allowed() / few.span)
    for name, load in (("with", many), ("none", none)):
        for quantile in (50, 99):
            getattr(point, f"{name}_p{quantile}").append(load.quantile(quantile / 100))


def measure_point(point, hosts, store, url, options):
    for _ in range(options.rounds):
        with ExitStack() as stack:
            servers = [stack.enter_context(nginx_at(host, number, url, point.sync))
                       for number, host in enumerate(hosts[:point.size])]
            measure_round(point, servers, store, options)
    print(f"scale: {point.size} nginx, {point.store}, {point.sync}: "
          f"{point.share():.3f} of what is allowed", flush=True)


def measure(options):
    sizes = (1, 2) if options.quick else SIZES
    points = []
    with Network(max(sizes)) as network:
        for name, store, url in stores(network):
            with store:
                for sync in SYNCS:
                    refusal = nginx_at(network.hosts[0], 0, url, sync).refusal()
                    if refusal:
                        print(f"scale: {name}, sync={sync} is left out: {refusal}")
                        continue
                    for size in sizes:
                        points.append(Point(size, name, sync))
                        measure_point(points[-1], network.hosts, store, url, options)
    if not points:
        raise BenchError("there is nothing that could be measured")
    print(f"scale: {len(CORES)} cores for all nginx and wrk, Redis on core {LOAD_CORE}; "
          f"{OFFERED:,} requests/s offered, {KEYS} keys of {RATE}/s and a burst of {BURST}")
    print(f"drawn to {scale_chart.draw(points, options.quick)}")
    show_points(points)
    return [row for point in points for row in rows_of(point)]


HEAD = ("nginx", "counted in", "sync", "offered/s", "allowed/s", "admitted/s", "of allowed",
        "commands/request", "over limit", "p50 us", "added", "p99 us", "added")


def show_points(points):
    lines = [HEAD] + [(
        str(p.size), p.store, p.sync, f"{median(p.offered):,.0f}", f"{median(p.allowed):,.0f}",
        f"{median(p.admitted):,.0f}", f"{p.share():.3f}", f"{median(p.below):.3f}",
        f"{median(p.over):.3f}", f"{median(p.with_p50):,.0f}", f"{p.added('p50'):+,.0f}",
        f"{median(p.with_p99):,.0f}", f"{p.added('p99'):+,.0f}") for p in points]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    print()
    for line in lines:
        print("  ".join(cell.ljust(width) if i in (1, 2) else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))).rstrip())
    print()


def rows_of(point):
    case = f"scale: {point.size} nginx, {point.store}, {point.sync}"
    promised = TARGET_ADMITTED if point.sync == "strict" else ""
    yield Row(case, "admitted/s", median(point.admitted), median(point.allowed), "allowed",
              point.share(), promised)
    for unit, commands in (("commands/request", point.below),
                           ("commands/request over the limit", point.over)):
        yield Row(case, unit, median(commands), 1, "one for each", median(commands))
    for quantile in ("p50", "p99"):
        ours, none = getattr(point, f"with_{quantile}"), getattr(point, f"none_{quantile}")
        yield Row(case, f"us, {quantile}", median(ours), median(none), "no limit",
                  median(a / b for a, b in zip(ours, none)))


def show(rows):
    """The whole is in the other table."""
    print_table([row for row in rows if row.target])
