"""scrape: what a steady load waits for while somebody asks for the metrics of 500 routes."""

import os
import threading
import time
import urllib.request
from contextlib import contextmanager
from statistics import median

from compare import Row, rounds_of
from load import Request, run_steadily
from machine import LOAD_CORE, BenchError
from nginx import Nginx

ABOUT = "p99 of a steady load while the metrics of 500 routes are asked for ten times a second, against the same without"
TARGET = "<= 1.1"
ROUTES = 500
RATE = 20_000
A_SECOND = 10
# Each location is a route, and each has been asked for: a scrape has the series of all.
TEXT = "server { listen {listen}; server_name bench; location = /metrics { guard_metrics; }" + "".join(
    f"location = /r{i} {{ guard_route route-{i}; empty_gif; }}" for i in range(ROUTES)) + "}"
LOAD = Request("/r{key}", keys=ROUTES)


class Scraper:
    """Asks for the metrics so often, in a thread of its own on the load's core: nginx's is nginx's."""

    def __init__(self, server):
        self.url = f"http://127.0.0.1:{server.port}/metrics"
        self.sizes = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.scrape)

    def scrape(self):
        os.sched_setaffinity(0, {LOAD_CORE})
        begun = time.monotonic()
        while not self.ended.wait(max(0, begun + len(self.sizes) / A_SECOND - time.monotonic())):
            with urllib.request.urlopen(self.url, timeout=10) as answer:
                self.sizes.append(len(answer.read()))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


@contextmanager
def scraped(server, seconds):
    with Scraper(server) as scraper:
        yield
    if len(scraper.sizes) < 0.9 * A_SECOND * seconds or min(scraper.sizes) < ROUTES * 1000:
        raise BenchError(f"{len(scraper.sizes)} scrapes in {seconds} s, of {min(scraper.sizes, default=0)} bytes and more")


def ask(server, request, seconds, connections):
    if not server.scraped:
        return run_steadily(server, request, seconds, connections, RATE)
    with scraped(server, seconds):
        return run_steadily(server, request, seconds, connections, RATE)


def start(is_scraped):
    server = Nginx("scrape-ours" if is_scraped else "scrape-none", TEXT, guard=True)
    server.scraped = is_scraped
    return server


def measure(options):
    pairs = rounds_of(lambda: start(True), lambda: start(False), LOAD, options, 128, ask=ask)
    rows = []
    for unit, value, target in (("ms, p50", lambda r: r.p50 / 1000, ""), ("ms, p99", lambda r: r.p99 / 1000, TARGET),
                                ("us of CPU/request", lambda r: r.cpu, "")):
        of = [sorted(value(pair[i]) for pair in pairs) for i in (0, 1)]
        print(f"scrape: {unit} {of[0][0]:.2f} to {of[0][-1]:.2f}, without {of[1][0]:.2f} to {of[1][-1]:.2f}", flush=True)
        rows.append(Row(f"scrape: {RATE:,}/s, {A_SECOND} scrapes/s", unit, median(of[0]), median(of[1]), "no scrapes",
                        median(value(a) / value(b) for a, b in pairs), target))
    return rows
