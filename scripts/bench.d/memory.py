"""What the Redis client allocates while many requests wait for a Redis that does not answer.

nginx runs under massif, which tells for every allocation who made it. All of nginx's pools, those of
requests and connections, take their memory through ngx_alloc() and ngx_memalign(); whatever comes
past these is the module's own."""

import http.client
import re
import resource
import socket
import subprocess
import time
from dataclasses import dataclass

from load import ask_well
from machine import BenchError
from nginx import OUT, Nginx

POOLS = re.compile(r"\bngx_(alloc|calloc|memalign)\b")
# Of a massif snapshot: "n2: 1234 (heap allocation functions) ..." and, one deeper, its callers.
CALLER = re.compile(r"^ n\d+: (\d+) (.*)$")


@dataclass
class Heap:
    pools: int = 0
    own: int = 0

    def __sub__(self, other):
        return Heap(self.pools - other.pools, self.own - other.own)


def read_snapshot(text):
    """The bytes that are allocated, by who asked for them; malloc's own are not among them."""
    heap = Heap()
    total = re.search(r"^n\d+: (\d+) \(heap allocation functions\)", text, re.M)
    if not total:
        raise BenchError("massif wrote no detailed snapshot")
    for line in text.splitlines():
        caller = CALLER.match(line)
        if caller and POOLS.search(caller.group(2)):
            heap.pools += int(caller.group(1))
        elif caller:
            heap.own += int(caller.group(1))
    if heap.pools + heap.own != int(total.group(1)):
        raise BenchError(f"massif counts {total.group(1)} bytes, its callers have {heap}")
    return heap


def snapshot(server, name):
    path = OUT / "run" / server.name / name
    path.unlink(missing_ok=True)
    done = subprocess.run(["vgdb", f"--pid={server.process.pid}", "--wait=30",
                           f"detailed_snapshot {path}"], capture_output=True, text=True, timeout=120)
    if done.returncode != 0 or not path.exists():
        raise BenchError(f"vgdb: {(done.stdout + done.stderr).strip()[-300:]}")
    return read_snapshot(path.read_text())


def status(link):
    """(connections, requests under way) as stub_status counts them, this one included."""
    link.request("GET", "/status")
    text = link.getresponse().read().decode()
    numbers = re.search(r"Active connections: (\d+).*Writing: (\d+)", text, re.S)
    if not numbers:
        raise BenchError(f"stub_status says {text[:200]}")
    return int(numbers.group(1)), int(numbers.group(2))


def wait_for(link, index, wanted, what):
    end = time.monotonic() + 120
    while (found := status(link)[index]) != wanted:
        if time.monotonic() > end:
            raise BenchError(f"{found} {what} instead of {wanted}")
        time.sleep(0.02)


def allow_files(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            raise BenchError(f"only {hard} open files are allowed, and {count} are needed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def waiting(name, http_block, redis, request, count, one_by_one):
    """What the heap has grown by while count requests wait for a stopped Redis, each on a connection
    of its own. They come as fast as they can, or one by one: each in a turn of the event loop and in a
    millisecond of its own, so that no two can share a call."""
    allow_files(count * 5 // 4 + 1000)
    massif = ["valgrind", "--tool=massif", "--threshold=0.0", "-q",
              f"--massif-out-file={OUT / 'run' / f'massif.{name}'}"]
    links = []
    with Nginx(name, http_block, guard=True, single=True, wrapper=massif,
               connections=count * 5 // 4) as server:
        look = http.client.HTTPConnection(server.address, server.port, timeout=60)
        try:
            ask_well(server, request)
            head = f"{request.method} {request.path_of('%d')} HTTP/1.1\r\nHost: bench\r\n\r\n"
            for number in range(count):
                links.append(socket.create_connection((server.address, server.port), 60))
                if number % 500 == 499:
                    wait_for(look, 0, number + 2, "connections")
            redis.pause()
            before = snapshot(server, "before")
            for number, link in enumerate(links):
                link.sendall((head % number).encode())
                if one_by_one:
                    status(look)
                    time.sleep(0.0011)
            wait_for(look, 1, count + 1, "requests wait")
            grown = snapshot(server, "waiting") - before
            redis.resume()
            for link in links:
                answer = link.recv(4096)
                if not answer.startswith(b"HTTP/1.1 200 "):
                    raise BenchError(f"{name}: who has waited gets {answer[:60]}")
        finally:
            redis.resume()
            look.close()
            for link in links:
                link.close()
    return grown
