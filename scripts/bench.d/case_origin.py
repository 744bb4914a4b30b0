"""origin: guard_cors and guard_csrf on what a browser posts, against the bare proxy."""

import instructions
from compare import in_turn
from load import Request
from nginx import Nginx, proxy_text, upstream_app

ABOUT = "guard_cors and guard_csrf on a POST of the same origin and of another, against the bare proxy"
TARGET = ">= 0.97"
GUARD = """guard_cors https://app.example.com https://*.apps.example.com credentials;
    guard_csrf on trusted=https://app.example.com;"""
BODY = b'{"title":"to do"}'
CALLERS = {
    "same origin": {"Sec-Fetch-Site": "same-origin", "Origin": "https://localhost"},
    "other origin": {"Sec-Fetch-Site": "cross-site", "Origin": "https://app.example.com"},
}


def measure(options):
    rows = []
    with upstream_app('{"ok":true}') as app:
        ours, peer = proxy_text(app, GUARD), proxy_text(app)
        for name, fields in CALLERS.items():
            request = Request("/api/items", "POST", {"Content-Type": "application/json", **fields}, BODY)
            rows += in_turn(f"origin: {name}", lambda: Nginx("origin-ours", ours, guard=True),
                            lambda: Nginx("origin-peer", peer), "bare proxy", request, options, TARGET)
            rows.append(instructions.row(f"origin: {name}", ours, peer, "bare proxy", request, options))
    return rows
