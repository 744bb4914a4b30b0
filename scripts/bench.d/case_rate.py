"""rate: GCRA in shared memory against limit_req, with one key and with many; zone bytes per key."""

import random
import socket
from dataclasses import replace

import instructions
from compare import Row, in_turn
from load import Request
from machine import CORES, LOAD_CORE, SERVER_CORE, BenchError
from nginx import Nginx

ABOUT = "guard_rate (gcra) against limit_req: one key, 100,000 keys, one and two workers; bytes per key"
TARGET_HOT = ">= 0.98"
TARGET_MANY = ">= 1.05"
TARGET_BYTES = "<= 40 ours"
MANY = 100_000

# Both hold 100,000 keys: ours in the 10 MB that a policy has unless it says otherwise.
OURS = """
    guard_rate_policy load rate=1000000/second key=$arg_k;
    server {
        listen {listen};
        location / { empty_gif; guard_rate load; guard_rate_fields %s; }
    }"""
PEER = """
    limit_req_zone $arg_k zone=load:32m rate=1000000r/s;
    server {
        listen {listen};
        location / { empty_gif; limit_req zone=load burst=1000000 nodelay; }
    }"""
HOT = Request("/pixel.gif?k=user-12345")
VARIED = Request("/pixel.gif?k=user-{key}", keys=MANY)

# One request a key and hour: a key that is refused is one that is still tracked.
ZONE = 1 << 20
OURS_SMALL = """
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Real-IP;
    guard_rate_policy load rate=1/hour key=$arg_k zone=1m;
    server {
        listen {listen};
        location / { empty_gif; guard_rate load; }
    }"""
PEER_SMALL = """
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Real-IP;
    limit_req_zone $arg_k zone=load:1m rate=1r/m;
    server {
        listen {listen};
        location / { empty_gif; limit_req zone=load; limit_req_status 429; limit_req_log_level info; }
    }"""


def statuses(server, keys):
    """The status for each key, each asked once, from a client of its own, in order; pipelined."""
    found = []
    with socket.create_connection(("127.0.0.1", server.port), 60) as link:
        answers = link.makefile("rb")
        for start in range(0, len(keys), 200):
            batch = keys[start:start + 200]
            link.sendall("".join(
                f"HEAD /pixel.gif?k=user-{key} HTTP/1.1\r\nHost: bench\r\nX-Real-IP: "
                f"10.{key >> 16 & 255}.{key >> 8 & 255}.{key & 255}\r\n\r\n"
                for key in batch).encode())
            while len(found) < start + len(batch):
                line = answers.readline()
                if not line:
                    raise BenchError(f"{server.name} closed the connection")
                if line.startswith(b"HTTP/1.1 "):
                    found.append(int(line[9:12]))
    unexpected = set(found) - {200, 429}
    if unexpected:
        raise BenchError(f"{server.name} answers {unexpected}")
    return found


def tracked_keys(name, http, guard):
    """How many keys a zone keeps when twice as many as it can hold have come: newest first, those that
    are refused. (A key that is not there any more comes in anew and drives out an old one, which
    has been asked later or will be missing: the count errs to the low side.)"""
    order = list(range(2 * ZONE // 16))
    random.Random(20200405).shuffle(order)
    with Nginx(name, http, guard=guard) as server:
        first = statuses(server, order)
        if first.count(429):
            raise BenchError(f"{name} refused {first.count(429)} keys that it had never seen")
        return statuses(server, order[::-1]).count(429)


def bytes_per_key():
    ours = ZONE / tracked_keys("rate-keys-ours", OURS_SMALL, True)
    peer = ZONE / tracked_keys("rate-keys-peer", PEER_SMALL, False)
    return Row("rate: zone per key", "bytes/key", ours, peer, "limit_req", ours / peer,
               TARGET_BYTES)


def sides(ours, cores):
    return (lambda: Nginx("rate-ours", ours, guard=True, cores=cores),
            lambda: Nginx("rate-peer", PEER, cores=cores))


def measure(options):
    rows = []
    ours = OURS % "off"
    both = (SERVER_CORE, LOAD_CORE)
    # Of two workers one shares the load's core: were it asked one by one, the load would be the limit.
    for workers, cores, at_once in (("1 worker", (SERVER_CORE,), 1), ("2 workers", both, 16)):
        if len(CORES) < len(set(cores)) or len(set(cores)) < len(cores):
            print("rate: one core only, the cases with two workers are left out")
            continue
        connections = 32 if len(cores) == 1 else 128
        for keys, request, target in (("hot key", HOT, TARGET_HOT),
                                      ("100,000 keys", VARIED, TARGET_MANY)):
            rows += in_turn(f"rate: {keys}, {workers}", *sides(ours, cores), "limit_req",
                            replace(request, at_once=at_once), options, target, connections)
    rows += in_turn("rate: hot key, with fields", *sides(OURS % "draft", (SERVER_CORE,)),
                    "limit_req", HOT, options, "")
    rows.append(instructions.row("rate: hot key", ours, PEER, "limit_req", HOT, options))
    rows.append(bytes_per_key())
    return rows
