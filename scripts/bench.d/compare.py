"""Ours and the peer in turn; medians of pairwise ratios; the table and the JSON file."""

import json
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from statistics import median

from load import mean, run
from nginx import OUT

THROUGHPUT = "requests/s"
CPU = "us of CPU/request"
P99 = "ms, p99"


@dataclass
class Row:
    case: str
    unit: str
    ours: float
    peer: float
    peer_name: str
    ratio: float
    target: str = ""  # ">= 0.98", "<= 2.5", "<= 40 ours" (the figure itself); empty: not promised

    def met(self):
        if not self.target:
            return None
        sign, bound, *of = self.target.split()
        value = self.ours if of else self.ratio
        return value >= float(bound) if sign == ">=" else value <= float(bound)


@dataclass
class Options:
    rounds: int = 7
    seconds: int = 3
    profile: bool = False
    quick: bool = False  # one round, only to see that a case works
    only: str = ""  # what the rows that are wanted have in their name


def rounds_of(make_ours, make_peer, request, options, connections, around=nullcontext, ask=run):
    """ask: a load, as run() is one. The results of both sides, by rounds. Each round starts both servers anew, and what they share
    (around): where the kernel happens to place a process can make it some per cent faster or slower
    for all its life. Who begins changes from round to round, and has the last turn of its round as
    well (ABBA): a machine that grows slower while it works is so for both."""
    seconds = (options.seconds + 1) // 2
    pairs = []
    for number in range(options.rounds):
        with around(), ExitStack() as stack:
            order = [(0, make_ours), (1, make_peer)]
            if number % 2 == 1:
                order.reverse()
            servers = {side: stack.enter_context(make()) for side, make in order}
            for server in servers.values():
                # The status of every answer is looked at once; wrk's own counts serve after that.
                run(server, request, 1, connections, count_statuses=number == 0)
            results = ([], [])
            sides = list(servers)
            for side in sides + sides[::-1]:
                results[side].append(ask(servers[side], request, seconds, connections))
            pairs.append(tuple(mean(*each) for each in results))
    return pairs


def in_turn(case, make_ours, make_peer, peer_name, request, options, target, connections=32,
            cpu_target="", around=nullcontext):
    """Rows of throughput, of CPU time and of what the slowest requests take."""
    pairs = rounds_of(make_ours, make_peer, request, options, connections, around)
    rows = []
    for unit, value, bound in ((THROUGHPUT, lambda r: r.rate, target),
                               (CPU, lambda r: r.cpu, cpu_target),
                               (P99, lambda r: r.p99 / 1000, "")):
        rows.append(Row(case, unit, median(value(a) for a, _ in pairs),
                        median(value(b) for _, b in pairs), peer_name,
                        median(value(a) / value(b) for a, b in pairs), bound))
    ratios = sorted(a.rate / b.rate for a, b in pairs)
    busy = [median(side[i].busy for side in pairs) for i in (0, 1)]
    print(f"{case}: {options.rounds} rounds of {options.seconds} s, throughput ratios "
          f"{ratios[0]:.3f} to {ratios[-1]:.3f}, nginx busy {busy[0]:.0%} and {busy[1]:.0%}",
          flush=True)
    if busy[1] < 0.9:
        print(f"{case}: the peer was not busy all the time: its core was shared, or the load is the "
              "limit; trust the CPU time", flush=True)
    return rows


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 100 else f"{value:.2f}"


def print_table(rows):
    head = ("case", "unit", "ours", "peer", "ratio", "target", "")
    verdicts = {None: "", True: "met", False: "MISSED"}
    lines = [head] + [(r.case, r.unit, number(r.ours), f"{number(r.peer)} ({r.peer_name})",
                       f"{r.ratio:.3f}", r.target, verdicts[r.met()]) for r in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    print()
    for line in lines:
        print("  ".join(cell.rjust(w) if i in (2, 4) else cell.ljust(w)
                        for i, (cell, w) in enumerate(zip(line, widths))).rstrip())
    print()


def write_json(name, rows):
    """Returns where: OUT/NAME.json."""
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / f"{name}.json"
    path.write_text(json.dumps(
        [{"case": r.case, "unit": r.unit, "ours": round(r.ours, 3), "peer": round(r.peer, 3),
          "peer_name": r.peer_name, "ratio": round(r.ratio, 4)} for r in rows], indent=2) + "\n")
    return path
