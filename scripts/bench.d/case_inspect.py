"""inspect: the Core Rule Set by guard_inspect, against libmodsecurity with the same rules and against none."""

import json
import random
import time
from statistics import median
from urllib.parse import quote

from bodies import order
from compare import Row, in_turn
from load import Request, ask, ask_well
from machine import BenchError
from nginx import BUILD, OUT, Nginx, proxy_text, upstream_app

ABOUT = ("guard_inspect on requests to a proxied application, against libnginx-mod-http-modsecurity "
         "with the same Core Rule Set and against the bare proxy")
INSPECT = BUILD / "ngx_http_guard_inspect_module.so"
MODSECURITY = "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so"
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.9,de;q=0.7",
    "Accept-Encoding": "gzip, deflate, br",
    "Referer": "https://shop.example.com/catalogue/lamps?sort=price&page=2",
    "Cookie": "session=6f1d2c3b4a5968778695a4b3c2d1e0f1; theme=dark; consent=necessary",
    "Upgrade-Insecure-Requests": "1",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Site": "same-origin",
    "DNT": "1",
    "Host": "shop.example.com",
}
ROOM = "client_max_body_size 4m; client_body_buffer_size 4m;"
ANSWER = '{"ok":true}'
ATTACK = "<script>alert(1)</script>"


# Which paranoia 4 cannot be used without: they mind a space and a letter beyond ASCII.
STRICTEST = "920272-920273"


def rules(paranoia):
    """What the reference is told: the recommended configuration as far as it matters, and the rules."""
    removed = f"SecRuleRemoveById {STRICTEST}" if paranoia == 4 else ""
    path = OUT / f"modsecurity-{paranoia}.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rf"""
SecRuleEngine On
SecRequestBodyAccess On
SecResponseBodyAccess Off
SecRequestBodyLimit 134217728
SecRequestBodyNoFilesLimit 134217728
SecAuditEngine Off
SecRule REQUEST_HEADERS:Content-Type "^(?:application(?:/soap\+|/)|text/)xml" \
    "id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "^application/json" \
    "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecAction "id:900000,phase:1,nolog,pass,t:none,setvar:tx.paranoia_level={paranoia}"
Include /etc/modsecurity/crs/crs-setup.conf
Include /usr/share/modsecurity-crs/rules/*.conf
{removed}
""")
    return path


def detections(server):
    """The events of requests that were refused, or passed because they were over the budget."""
    lines = (server.folder / "logs" / "events.json").read_text().splitlines()
    return [event for event in map(json.loads, lines)
            if event["labels"]["kind"] == "injection_detected"]


class Sides:
    def __init__(self, app, paranoia):
        exclude = f"guard_inspect_exclude id={STRICTEST};" if paranoia == 4 else ""
        self.ours_text = proxy_text(
            app, f"{ROOM} guard_inspect on; guard_inspect_paranoia {paranoia}; {exclude}")
        self.bare_text = proxy_text(app, ROOM)
        self.peer_text = proxy_text(
            app, f"{ROOM} modsecurity on; modsecurity_rules_file {rules(paranoia)};")

    def ours(self):
        return Nginx("inspect-ours", self.ours_text, guard=True, modules=[INSPECT])

    def telling(self):
        """With an event log, which the measured one has not: the bare proxy has no log either."""
        return Nginx("inspect-telling", "guard_event_log logs/events.json;" + self.ours_text,
                     guard=True, modules=[INSPECT])

    def bare(self):
        return Nginx("inspect-bare", self.bare_text)

    def peer(self):
        return Nginx("inspect-modsecurity", self.peer_text, modules=[MODSECURITY])


def page(last=""):
    return Request("/catalogue/lamps?sort=price&page=3&q=desk+lamp" + last, headers=BROWSER)


def upload(size, last=""):
    """A form with a file of size bytes, which look like those of an image, and a field before and
    behind it."""
    file = random.Random(1).randbytes(size)
    body = (b"--b0undary\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nholiday\r\n"
            b"--b0undary\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"beach.jpg\"\r\n"
            b"Content-Type: image/jpeg\r\n\r\n" + file + b"\r\n"
            b"--b0undary\r\nContent-Disposition: form-data; name=\"album\"\r\n\r\nsummer"
            + last.encode() + b"\r\n--b0undary--\r\n")
    return Request("/photos", "POST",
                   {**BROWSER, "Content-Type": "multipart/form-data; boundary=b0undary"}, body)


def posted(size, last=""):
    body = order(size)
    if last:
        body = body[:-1] + b',"last":' + json.dumps(last).encode() + b"}"
    return Request("/api/orders", "POST", {**BROWSER, "Content-Type": "application/json"}, body)


def check(sides, request, attack):
    """Guard passes the request to the application, and has looked at it to its end: attack, which
    differs from it in what stands there, is refused for that."""
    with sides.telling() as ours:
        answer = ask_well(ours, request)
        if answer.body != ANSWER.encode():
            raise BenchError(f"{request.path}: {answer.body[:200]} is not the application's answer")
    if detections(ours):
        raise BenchError(f"{request.path}: {detections(ours)}")
    with sides.telling() as ours:
        status = ask(ours, attack).status
    codes = [event["event"]["code"] for event in detections(ours)]
    if status != 403 or codes != ["inspect.xss"]:
        raise BenchError(f"{request.path}: an attack at the end is answered with {status}, {codes}")


def one_by_one(case, sides, request, options, target):
    """Milliseconds of one request after the other, where the reference takes longer than the load
    waits. What the bare proxy takes is in both."""
    times = ([], [])
    with sides.ours() as ours, sides.peer() as peer:
        for _ in range(1 if options.quick else options.rounds):
            for took, server in zip(times, (ours, peer)):
                start = time.perf_counter()
                ask_well(server, request, timeout=300)
                took.append(1000 * (time.perf_counter() - start))
    mine, theirs = (median(took) for took in times)
    longest = [max(took) for took in times]
    case += ", one by one"
    return [Row(case, "requests/s", 1000 / mine, 1000 / theirs, "modsecurity", theirs / mine, target),
            Row(case, "ms, longest", *longest, "modsecurity", longest[0] / longest[1])]


# Requests, each with an attack at its end as well; and what is promised of them at paranoia 1, against
# the reference and against the bare proxy.
CASES = (("GET, 12 fields", page(), page("&last=" + quote(ATTACK)), ">= 10", ">= 0.7"),
         ("JSON of 1.8 KB", posted(1800), posted(1800, ATTACK), ">= 100", ">= 0.6"),
         ("JSON of 200 KB", posted(200 * 1024), posted(200 * 1024, ATTACK), ">= 100", ""),
         ("upload of 1 MB", upload(1 << 20), upload(1 << 20, ATTACK), ">= 100", ""))
# Those of which the reference answers some in a second only; and what it takes seconds for.
LARGE = 100_000
SLOW = "JSON of 200 KB"


def at_paranoia(paranoia, app, options):
    sides = Sides(app, paranoia)
    rows = []
    for name, request, attack, least, least_bare in CASES:
        case = f"inspect {paranoia}: {name}"
        if options.only not in case:
            continue
        if paranoia > 1:
            least = least_bare = ""
        check(sides, request, attack)
        if name == SLOW:
            rows += one_by_one(case, sides, request, options, least)
        else:
            rows += in_turn(case, sides.ours, sides.peer, "modsecurity", request, options, least,
                            connections=2 if len(request.body) >= LARGE else 32)
        rows += in_turn(case, sides.ours, sides.bare, "bare proxy", request, options, least_bare)
    return rows


def measure(options):
    rows = []
    with upstream_app(ANSWER) as app:
        for paranoia in (1, 2, 4):
            rows += at_paranoia(paranoia, app, options)
    return rows
