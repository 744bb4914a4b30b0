"""Instructions per request, by callgrind: exact where times are not.

Start and end of nginx cancel out: the same server answers a few requests, then many more, and the
difference is divided by the difference."""

import http.client
import re
import subprocess

from compare import Row
from load import ask_well
from machine import BenchError
from nginx import OUT, Nginx

FEW, MANY = 100, 600


def counted_run(name, http, guard, request, requests, **server_options):
    profile = OUT / "run" / f"callgrind.{name}"
    profile.unlink(missing_ok=True)
    wrapper = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", "-q"]
    with Nginx(name, http, guard=guard, single=True, wrapper=wrapper,
               **server_options) as server:
        link = http_client(server)
        for key in range(requests):
            ask_well(server, request, connection=link, key=key % request.keys if request.keys else 0)
        link.close()
    total = re.search(r"^(?:summary|totals): (\d+)", profile.read_text(), re.M)
    if not total:
        raise BenchError(f"callgrind wrote no total to {profile}")
    return int(total.group(1)), profile


def http_client(server):
    return http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)


def per_request(name, http, guard, request, profile=False, **server_options):
    few, _ = counted_run(f"{name}-few", http, guard, request, FEW, **server_options)
    many, file = counted_run(f"{name}-many", http, guard, request, MANY, **server_options)
    if profile:
        print(f"\nwhere {name} spends its instructions ({MANY} requests, and nginx's start):")
        annotated = subprocess.run(["callgrind_annotate", "--threshold=95", str(file)],
                                   capture_output=True, text=True).stdout
        lines = [re.sub(r"\s*\[[^\]]*\]$", "", line) for line in annotated.splitlines()
                 if re.match(r"\s*[\d,]+ \(", line)]
        print("\n".join(line[:160] for line in lines[:45]), flush=True)
    return (many - few) / (MANY - FEW)


def row(case, ours, peer, peer_name, request, options, target="", **server_options):
    """ours and peer: http blocks."""
    slug = re.sub(r"\W+", "-", case)
    a = per_request(f"{slug}-ours", ours, True, request, options.profile,
                    **server_options)
    b = per_request(f"{slug}-peer", peer, False, request, options.profile,
                    **server_options)
    return Row(case, "instructions/request", a, b, peer_name, a / b, target)
