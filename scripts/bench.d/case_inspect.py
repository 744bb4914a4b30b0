"""inspect: the Core Rule Set by guard_inspect, against libmodsecurity with the same rules and against none."""

import random
import time
from statistics import median

from bodies import order
from compare import Row, in_turn
from load import Request, ask_well
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


def rules(paranoia):
    """What the reference is told: the recommended configuration as far as it matters, and the rules."""
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
""")
    return path


class Sides:
    def __init__(self, app, paranoia):
        self.ours_text = proxy_text(
            app, f"{ROOM} guard_inspect on; guard_inspect_paranoia {paranoia};")
        self.bare_text = proxy_text(app, ROOM)
        self.peer_text = proxy_text(
            app, f"{ROOM} modsecurity on; modsecurity_rules_file {rules(paranoia)};")

    def ours(self):
        return Nginx("inspect-ours", self.ours_text, guard=True, modules=[INSPECT])

    def bare(self):
        return Nginx("inspect-bare", self.bare_text)

    def peer(self):
        return Nginx("inspect-modsecurity", self.peer_text, modules=[MODSECURITY])


def upload(size):
    """A form with a field and a file of size bytes, which look like those of an image."""
    file = random.Random(1).randbytes(size)
    body = (b"--b0undary\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nholiday\r\n"
            b"--b0undary\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"beach.jpg\"\r\n"
            b"Content-Type: image/jpeg\r\n\r\n" + file + b"\r\n--b0undary--\r\n")
    return Request("/photos", "POST",
                   {**BROWSER, "Content-Type": "multipart/form-data; boundary=b0undary"}, body)


def posted(size):
    return Request("/api/orders", "POST", {**BROWSER, "Content-Type": "application/json"}, order(size))


def one_by_one(case, sides, request, options, target):
    """Milliseconds of one request after the other, where the reference takes longer than the load
    waits. What the bare proxy takes is in both."""
    times = ([], [])
    with sides.ours() as ours, sides.peer() as peer:
        for _ in range(1 if options.quick else options.rounds):
            for took, server in zip(times, (ours, peer)):
                start = time.perf_counter()
                ask_well(server, request)
                took.append(1000 * (time.perf_counter() - start))
    mine, theirs = (median(took) for took in times)
    return Row(f"{case}, one by one", "requests/s", 1000 / mine, 1000 / theirs, "modsecurity",
               theirs / mine, target)


def at_paranoia(paranoia, app, options):
    sides = Sides(app, paranoia)
    page = Request("/catalogue/lamps?sort=price&page=3&q=desk+lamp", headers=BROWSER)
    promised = paranoia == 1
    rows = []
    for name, request, least, least_bare in (("GET, 12 fields", page, ">= 10", ">= 0.7"),
                                             ("JSON of 1.8 KB", posted(1800), ">= 100", ">= 0.6")):
        case = f"inspect {paranoia}: {name}"
        rows += in_turn(case, sides.ours, sides.peer, "modsecurity", request, options,
                        least if promised else "")
        rows += in_turn(case, sides.ours, sides.bare, "bare proxy", request, options,
                        least_bare if promised else "")
    if promised:
        for name, request in (("JSON of 200 KB", posted(200 * 1024)),
                              ("upload of 1 MB", upload(1 << 20))):
            rows.append(one_by_one(f"inspect {paranoia}: {name}", sides, request, options, ">= 100"))
            rows += in_turn(f"inspect {paranoia}: {name}", sides.ours, sides.bare, "bare proxy",
                            request, options, "")
    return rows


def measure(options):
    rows = []
    with upstream_app('{"ok":true}') as app:
        for paranoia in (1, 2, 4):
            rows += at_paranoia(paranoia, app, options)
    return rows
