"""headers: guard_headers and guard_hsts against the very same fields by add_header."""

import instructions
from compare import in_turn
from load import Request, ask_well
from machine import BenchError
from nginx import Nginx

ABOUT = "guard_headers web and guard_hsts, against the very same fields by add_header"
TARGET = ">= 0.98"

SERVER = """
    %s
    server {
        listen {listen};
        location / { empty_gif; %s }
    }"""
OURS = SERVER % ("""
    guard_trusted_proxies 127.0.0.1;
    guard_headers web;
    guard_hsts max-age=31536000 includeSubDomains;""", "")
# A scheme that a proxy in front vouches for, since HSTS never goes out over plain HTTP.
REQUEST = Request("/pixel.gif", headers={"X-Forwarded-Proto": "https"})


def fields_of(server):
    """Fields as a multiset, without those that tell the time."""
    return sorted((n, v) for n, v in ask_well(server, REQUEST).fields if n != "Date")


def added_fields():
    """What Guard adds to the bare answer: what add_header has to say."""
    with Nginx("headers-bare", SERVER % ("", "")) as bare, \
            Nginx("headers-look", OURS, guard=True) as guarded:
        without = fields_of(bare)
        return [field for field in fields_of(guarded) if field not in without]


def quoted(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def measure(options):
    fields = added_fields()
    if "Strict-Transport-Security" not in (name for name, _ in fields):
        raise BenchError(f"guard_hsts added nothing to {fields}")
    peer = SERVER % ("", " ".join(f"add_header {n} {quoted(v)} always;" for n, v in fields))
    print(f"headers: {len(fields)} fields")
    with Nginx("headers-ours", OURS, guard=True) as a, Nginx("headers-peer", peer) as b:
        if fields_of(a) != fields_of(b):
            raise BenchError(f"the answers differ: {fields_of(a)} and {fields_of(b)}")
    rows = in_turn("headers", lambda: Nginx("headers-ours", OURS, guard=True),
                   lambda: Nginx("headers-peer", peer), "add_header", REQUEST, options, TARGET)
    rows.append(instructions.row("headers", OURS, peer, "add_header", REQUEST, options))
    return rows
