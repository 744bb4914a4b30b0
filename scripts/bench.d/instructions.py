"""Instructions per request, by callgrind: exact where times are not.

Start and end of nginx cancel out: the same server answers a few requests, then many more, and the
difference is divided by the difference."""

import http.client
import re
import subprocess
import sys
from collections import Counter

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


def functions(profile):
    """What each function spent itself. Its file and object are left out: callgrind_annotate does not
    name them in the same way in every run. Of nginx's own static functions there is only an address."""
    annotated = subprocess.run(["callgrind_annotate", "--threshold=100", "--auto=no", str(profile)],
                               capture_output=True, text=True).stdout
    found = Counter()
    for line in annotated.splitlines():
        parts = re.match(r"\s*([\d,]+) \([ \d.]+%\)  [^:]*:(.+?)(?: \[[^\]]*\])?$", line)
        if parts:
            found[parts.group(2)] += int(parts.group(1).replace(",", ""))
    return found


def per_request(name, http, guard, request, profile=False, **server_options):
    few, few_file = counted_run(f"{name}-few", http, guard, request, FEW, **server_options)
    many, many_file = counted_run(f"{name}-many", http, guard, request, MANY, **server_options)
    if profile:
        spent = functions(many_file)
        spent.subtract(functions(few_file))
        print(f"\nwhere {name} spends its instructions, per request:")
        for function, count in spent.most_common(40):
            print(f"{count / (MANY - FEW):10,.0f}  {function[:140]}")
        sys.stdout.flush()
    return (many - few) / (MANY - FEW)


def row(case, ours, peer, peer_name, request, options, target="", **server_options):
    """ours and peer: http blocks."""
    slug = re.sub(r"\W+", "-", case)
    a = per_request(f"{slug}-ours", ours, True, request, options.profile,
                    **server_options)
    b = per_request(f"{slug}-peer", peer, False, request, options.profile,
                    **server_options)
    return Row(case, "instructions/request", a, b, peer_name, a / b, target)
