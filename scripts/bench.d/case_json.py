"""json: what checking bodies costs, through nginx and by itself."""

import re
import subprocess

import instructions
from bodies import order
from compare import Row, in_turn
from load import Request
from machine import SERVER_CORE, BenchError
from nginx import BUILD, ROOT, Nginx, proxy_text, upstream_app

ABOUT = "guard_json required on bodies of 2 KB and 200 KB, against the bare proxy; the parser against simdjson's"
TARGET_PARSE = "<= 2.5"
PARSED = {"orders 2 KB", "orders 200 KB", "orders 5 MB"}  # the documents that the target is about


def through_nginx(options):
    rows = []
    with upstream_app('{"ok":true}') as app:
        ours, peer = proxy_text(app, "guard_json required;"), proxy_text(app)
        for name, size in (("2 KB", 2048), ("200 KB", 200 * 1024)):
            request = Request("/api/items", "POST", {"Content-Type": "application/json"},
                              order(size))
            rows += in_turn(f"json: {name}", lambda: Nginx("json-ours", ours, guard=True),
                            lambda: Nginx("json-peer", peer), "bare proxy", request, options, "")
            rows.append(instructions.row(f"json: {name}", ours, peer, "bare proxy", request,
                                         options))
    return rows


def parser(options):
    """t/bench/json_bench.cpp prints a line a document, already the medians of rounds in turn."""
    built = subprocess.run(["make", "-s", "-f", "scripts/native.mk", f"OUT={BUILD}",
                            f"{BUILD}/native/bench/json"], cwd=ROOT, capture_output=True, text=True)
    if built.returncode != 0:
        raise BenchError(f"json_bench does not build: {built.stderr[-500:]}")
    command = ["taskset", "-c", str(SERVER_CORE), f"{BUILD}/native/bench/json",
               str(max(21, options.rounds))]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchError(f"json_bench failed: {done.stderr.strip()}")
    rows = []
    for line in done.stdout.splitlines():
        found = re.match(r"(.+?) +\d+ bytes +ours +([\d.]+) us .* simdjson +([\d.]+) us +ratio +([\d.]+)",
                         line)
        if found:
            name, ours, peer, ratio = found.groups()
            rows.append(Row(f"json parser: {name}", "us/parse", float(ours), float(peer),
                            "simdjson DOM", float(ratio), TARGET_PARSE if name in PARSED else ""))
    missing = PARSED - {row.case.removeprefix("json parser: ") for row in rows}
    if missing:
        raise BenchError(f"json_bench says nothing of {', '.join(sorted(missing))}")
    return rows


def measure(options):
    return parser(options) + through_nginx(options)
