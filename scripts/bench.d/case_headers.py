"""headers: all of guard_headers web against the very same fields by add_header."""

import instructions
from compare import in_turn
from load import Request, ask_well
from machine import BenchError
from nginx import Nginx

ABOUT = "guard_headers web on a document and on an image, against the very same fields by add_header"
TARGET = ">= 1.0"

SERVER = """
    default_type text/html;
    %s
    server {
        listen {listen};
        %s
        location / { return 200 "<!doctype html><title>page</title>"; }
        location /pixel.gif { empty_gif; }
    }"""
OURS = SERVER % ("guard_trusted_proxies 127.0.0.1; guard_headers web;", "")
# A scheme that a proxy in front vouches for, since HSTS never goes out over plain HTTP.
HTTPS = {"X-Forwarded-Proto": "https"}
# Asked one by one, the load would be the limit as often as nginx.
AT_ONCE = 8
REQUESTS = {"document": Request("/", headers=HTTPS, at_once=AT_ONCE),
            "image": Request("/pixel.gif", headers=HTTPS, at_once=AT_ONCE)}


def fields_of(server, request):
    """Fields as a multiset, without those that tell the time."""
    return sorted((n, v) for n, v in ask_well(server, request).fields if n != "Date")


def added_fields(request):
    """What Guard adds to the bare answer: what add_header has to say."""
    with Nginx("headers-bare", SERVER % ("", "")) as bare, \
            Nginx("headers-look", OURS, guard=True) as guarded:
        without = fields_of(bare, request)
        return [field for field in fields_of(guarded, request) if field not in without]


def quoted(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def measure(options):
    rows = []
    for name, request in REQUESTS.items():
        fields = added_fields(request)
        if "Strict-Transport-Security" not in (field for field, _ in fields):
            raise BenchError(f"guard_headers added no Strict-Transport-Security to {fields}")
        # Over plain HTTP neither sends HSTS.
        hsts = dict(fields)["Strict-Transport-Security"]
        said = ((n, "$hsts" if n == "Strict-Transport-Security" else quoted(v)) for n, v in fields)
        peer = SERVER % (f"map $http_x_forwarded_proto $hsts {{ https {quoted(hsts)}; }}",
                         " ".join(f"add_header {n} {v} always;" for n, v in said))
        case = f"headers: {name}, {len(fields)} fields"
        with Nginx("headers-ours", OURS, guard=True) as a, Nginx("headers-peer", peer) as b:
            if fields_of(a, request) != fields_of(b, request):
                raise BenchError(f"the answers differ: {fields_of(a, request)} and {fields_of(b, request)}")
        rows += in_turn(case, lambda: Nginx("headers-ours", OURS, guard=True),
                        lambda: Nginx("headers-peer", peer), "add_header", request, options, TARGET)
        rows.append(instructions.row(case, OURS, peer, "add_header", request, options))
    return rows
