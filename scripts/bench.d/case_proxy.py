"""proxy: the whole CoreConnect policy of conf.d in front of a proxied application."""

import re

import instructions
from bodies import order
from compare import in_turn
from load import Request
from nginx import ROOT, Nginx, upstream_app

ABOUT = "the whole policy of conf.d/coreconnect.conf on a proxied POST of 2 KB of JSON, against the bare proxy"
TARGET = ">= 0.93"
ANSWER = '{"id":4711,"status":"accepted","links":{"self":"/api/items/4711"}}'
HEADERS = {"Content-Type": "application/json", "X-Forwarded-Proto": "https",
           "User-Agent": "bench", "Accept": "application/json"}


def policy_text(file, folder):
    """A file of conf.d with its places moved into the bench's folder, its access log off (as on both
    sides), and its rates lifted: every check is still made, and nothing is refused."""
    text = (ROOT / "conf.d" / file).read_text()
    text = re.sub(r"rate=\d+/\w+(.*algorithm=sliding_log)", r"rate=64/second\1", text)
    text = re.sub(r"rate=\d+/(minute|hour)", "rate=1000000/second", text)
    text = text.replace("schemas/", f"{ROOT}/conf.d/schemas/")
    text = text.replace("/var/log/nginx/", f"{folder}/logs/")
    text = text.replace("/etc/nginx/guard-break-glass", f"{folder}/break-glass")
    text = re.sub(r"^access_log .*;$", "access_log off;", text, flags=re.M)
    text = re.sub(r"^(keepalive_timeout|error_log) .*;$", "", text, flags=re.M)
    # 1000 requests a connection would have the load reconnect all the time.
    return re.sub(r"^keepalive_requests .*;$", "", text, flags=re.M)


def without_guard(text):
    # A directive may go on over several lines, and quoted words may hold semicolons.
    text = re.sub(r"""^\s*guard_(?:"[^"]*"|'[^']*'|[^"';])*;$""", "", text, flags=re.M)
    text = text.replace("$guard_scheme", "$http_x_forwarded_proto")
    return re.sub(r"\$guard_\w+", "-", text)


def policy(folder, upstream_port):
    """The http block of the protected side, in two parts: for the peer, without_guard of it."""
    return f"""
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_body_temp_path tmp/body;
    proxy_temp_path tmp/proxy;
    fastcgi_temp_path tmp/fastcgi;
    uwsgi_temp_path tmp/uwsgi;
    scgi_temp_path tmp/scgi;
{policy_text("coreconnect.conf", folder)}
{policy_text("env-production.conf", folder)}
guard_trusted_proxies 127.0.0.1;
    upstream coreconnect_app {{
        server 127.0.0.1:{upstream_port};
        keepalive 64;
        keepalive_requests 1000000000;
        keepalive_timeout 1h;
    }}
    server {{
        listen {{listen}};
{policy_text("coreconnect-locations.conf", folder)}
    }}"""


def measure(options):
    request = Request("/api/orders", "POST", HEADERS, order(2048))
    with upstream_app(ANSWER) as app:
        ours = policy(".", app.port)
        peer = without_guard(ours)
        rows = in_turn("proxy", lambda: Nginx("proxy-ours", ours, guard=True, common=""),
                       lambda: Nginx("proxy-peer", peer, common=""), "bare proxy", request, options,
                       TARGET)
        rows.append(instructions.row("proxy", ours, peer, "bare proxy", request, options,
                                     common=""))
    return rows
