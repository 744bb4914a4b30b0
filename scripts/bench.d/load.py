"""The load: wrk on its own core, every answer accounted for; and single requests to look at."""

import hashlib
import http.client
import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from machine import CORES, LOAD_CORE, BenchError, cpu_seconds, spawn
from nginx import BUILD, OUT, ROOT

SCRIPT = Path(__file__).with_name("load.lua")
MAX_LATE = 500  # microseconds that one request of a hundred may be late in a steady load


@dataclass
class Request:
    path: str = "/"
    method: str = "GET"
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    keys: int = 0  # above 0: "{key}" in the path becomes a number below it, drawn for each request
    at_once: int = 1  # requests that a connection sends before it waits for their answers
    refused: str = "none"  # "all": every answer must be a refusal; "some": it may be
    refusal: int = 429     # the status of one

    def is_good(self, status):
        return (200 <= status <= 299 and self.refused != "all") or (
            status == self.refusal and self.refused != "none")

    def path_of(self, key):
        return self.path.replace("{key}", str(key))


@dataclass
class Answer:
    status: int
    fields: list  # (name, value) as they came
    body: bytes

    def size(self):
        """Bytes on the wire: status line, fields, empty line, body (no chunked encoding here)."""
        reason = len(http.client.responses.get(self.status, ""))
        line = len("HTTP/1.1 200 ") + reason + 2
        return line + sum(len(n) + len(v) + 4 for n, v in self.fields) + 2 + len(self.body)


def ask(server, request, *, connection=None, key=0, timeout=30):
    """One request through Python's client; its answer."""
    link = connection or http.client.HTTPConnection(server.address, server.port, timeout=timeout)
    try:
        link.request(request.method, request.path_of(key), body=request.body or None,
                     headers=request.headers)
        response = link.getresponse()
        return Answer(response.status, response.getheaders(), response.read())
    finally:
        if connection is None:
            link.close()


def ask_well(server, request, **options):
    answer = ask(server, request, **options)
    if not request.is_good(answer.status):
        raise BenchError(f"{server.name} answers {answer.status} to {request.method} "
                         f"{request.path}: {answer.body[:300].decode(errors='replace')}")
    return answer


@dataclass
class Result:
    rate: float        # requests per second
    cpu: float         # microseconds of nginx's CPU time per request
    busy: float        # share of the time that nginx's workers were running
    p50: float         # microseconds
    p99: float
    requests: int


def mean(first, second):
    """Of two results: the mean of each figure, and how many requests there were in both."""
    halves = {name: (getattr(first, name) + getattr(second, name)) / 2
              for name in ("rate", "cpu", "busy", "p50", "p99")}
    return Result(requests=first.requests + second.requests, **halves)


def lua_string(value):
    if isinstance(value, str):
        value = value.encode()
    return '"' + "".join(f"\\{byte:03d}" for byte in value) + '"'


def write_script(server, request, count, delay):
    headers = "".join(f"[{lua_string(n)}]={lua_string(v)}," for n, v in request.headers.items())
    text = (
        f"local target = {{ method={lua_string(request.method)}, path={lua_string(request.path)},"
        f" keys={request.keys}, at_once={request.at_once},"
        f" body={lua_string(request.body) if request.body else 'nil'},"
        f" headers={{{headers}}}, refused={lua_string(request.refused)}, refusal={request.refusal},"
        f" delay={delay}, count={lua_string(count)} }}\n" + SCRIPT.read_text())
    # Several loads of one server may be under way.
    script = OUT / "run" / server.name / f"load-{hashlib.sha256(text.encode()).hexdigest()[:16]}.lua"
    script.write_text(text)
    return script


def wrk_command(server, request, seconds, connections, count="nothing", delay=0.0, core=LOAD_CORE):
    """count: "statuses" has each one looked at, "times" also when answers came, and how late: which
    costs the load time. delay: milliseconds that a connection rests after an answer, on average."""
    return ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s",
            "--timeout", "30s", "-s", str(write_script(server, request, count, delay)),
            f"http://{server.address}:{server.port}"]


def read_summary(server, request, output):
    """wrk's own counts, as load.lua prints them; raises if any request failed."""
    for line in output.splitlines():
        if line.startswith("SUMMARY "):
            summary = json.loads(line[len("SUMMARY "):])
            break
    else:
        raise BenchError(f"wrk printed no summary for {server.name}: {output[-300:]}")
    failed = {name: n for name, n in summary["errors"].items() if n}
    # To wrk, every status from 400 on is an error.
    refused = failed.pop("status", 0)
    if request.refused == "all" and refused != summary["requests"]:
        failed["not refused"] = summary["requests"] - refused
    if request.refused == "none" and refused:
        failed["status"] = refused
    if failed or summary["requests"] == 0:
        raise BenchError(f"{server.name}: {summary['requests']} requests, failures: {failed}")
    return summary


def run(server, request, seconds, connections, count_statuses=False):
    """A run of wrk. Fails unless every answer was good: wrk counts errors and statuses from 400 on;
    count_statuses also has each status looked at (which costs the load time, so it is for the
    warm-up); and the mean size of the answers must be that of the answer that was looked at."""
    if request.refused == "all":
        ask(server, request)  # which may be the one that passes
    expected = ask_well(server, request).size()
    workers = server.workers()
    before = sum(cpu_seconds(pid) for pid in workers)
    count = "statuses" if count_statuses else "nothing"
    done = subprocess.run(wrk_command(server, request, seconds, connections, count),
                          capture_output=True, text=True)
    cpu = sum(cpu_seconds(pid) for pid in workers) - before
    if done.returncode != 0:
        raise BenchError(f"wrk failed against {server.name}: {done.stderr.strip()}")
    summary = read_summary(server, request, done.stdout)
    requests, duration = summary["requests"], summary["duration"]
    # A counter in a field may change its length; a redirect or a page of an error is far off.
    size = summary["bytes"] / requests
    if abs(size - expected) > max(4, expected * 0.03):
        raise BenchError(f"{server.name}: an answer has {expected} bytes, under load {size:.0f}")
    return Result(rate=requests / (duration / 1e6), cpu=cpu * 1e6 / requests,
                  busy=cpu / (duration / 1e6) / len(workers), p50=summary["p50"],
                  p99=summary["p99"], requests=requests)


def steady_load():
    """The program that asks at a steady rate, built if need be."""
    path = BUILD / "native/bench/load"
    built = subprocess.run(["make", "-s", "-f", "scripts/native.mk", f"OUT={BUILD}", str(path)], cwd=ROOT,
                           capture_output=True, text=True)
    if built.returncode != 0:
        raise BenchError(f"load_bench does not build: {built.stderr[-500:]}")
    return path


def go_first():
    """Nothing else that wants the load's core, be it a Redis, is to make the load late."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        pass


def read_steady(server, output):
    """What the program prints; raises if any request failed, or was asked too late."""
    found = json.loads(output)
    if found["bad"] or found["requests"] == 0:
        raise BenchError(f"{server.name}: {found['requests']} requests, {found['bad']} failures")
    if found["late99"] > MAX_LATE:
        print(f"{server.name}: the load was late by {found['late99']:,.0f} us: its core was shared", flush=True)
    return found


def run_steadily(server, request, seconds, connections, rate):
    """A run at that rate, whatever the answers take; the times are counted from when each was due."""
    workers = server.workers()
    before = sum(cpu_seconds(pid) for pid in workers)
    command = ["taskset", "-c", str(LOAD_CORE), str(steady_load()), server.address, str(server.port),
               str(connections), str(rate), str(seconds), request.path, str(request.keys)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=go_first)
    cpu = sum(cpu_seconds(pid) for pid in workers) - before
    if done.returncode != 0:
        raise BenchError(f"the load failed against {server.name}: {done.stderr.strip()}")
    found = read_steady(server, done.stdout)
    spent = found["requests"] / found["rate"]
    return Result(rate=found["rate"], cpu=1e6 * cpu / found["requests"], busy=cpu / spent,
                  p50=found["p50"], p99=found["p99"], requests=found["requests"])


def run_on_all(servers, request, seconds, connections, delay):
    """wrk on all of these servers at the same time, with that many connections to each: the
    summaries of load.lua, with statuses and times."""
    running = []
    try:
        for number, server in enumerate(servers):
            core = CORES[number % len(CORES)]
            command = wrk_command(server, request, seconds, connections, "times", delay, core)
            running.append(spawn(command, output=subprocess.PIPE))
        outputs = [process.communicate()[0] for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    return [read_summary(*each) for each in zip(servers, [request] * len(servers), outputs)]
