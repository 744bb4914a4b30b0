"""What the attacks on an application behind guard_inspect have in common: the application, and two nginx before it, of
which the first knows nothing of Guard. Not a program.
"""

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "t" / "conformance"))

from one_nginx import BUILD, GUARD, Nginx  # noqa: E402

START = 20  # seconds
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0"
SERVER = """
log_format verdict '$status "$guard_inspect_rules" $request_method $request_uri';
server {
    listen {listen};
    access_log logs/verdict.log verdict;
    guard_mode enforce;
    guard_inspect on;
    location / { proxy_pass http://APP; }
}
"""
PLAIN_SERVER = """
log_format verdict '$status "" $request_method $request_uri';
server {
    listen {listen};
    access_log logs/verdict.log verdict;
    location / { proxy_pass http://APP; }
}
"""
# Requests that the application is there for: method, path, header fields, body and answer.
CONTROL = [
    ("GET", "/query?id=2", {}, None, "oak table: 240\n"),
    ("POST", "/form", {"Content-Type": "application/x-www-form-urlencoded"}, "name=oak+table", "oak table: 240\n"),
    ("POST", "/json", {"Content-Type": "application/json"}, '{"name": "lamp"}', "lamp: 35\n"),
    ("GET", "/cookie", {"Cookie": "product=3"}, None, "lamp: 35\n"),
    ("GET", "/header", {"X-Product": "1"}, None, "chair: 80\n"),
    ("GET", "/path/2", {}, None, "oak table: 240\n"),
    ("GET", "/greet?name=Anna", {}, None, "<!doctype html><title>Hello</title><p>Hello, Anna</p>"),
    ("GET", "/page?name=about.txt", {}, None, "We sell furniture.\n"),
    ("GET", "/host?name=localhost", {}, None, "host localhost\n"),
]


class Target:
    """One of the ways to the application. What is asked for by address (Host: 127.0.0.1) weighs 3 by rule 920350, so
    that the tools are told a name."""

    def __init__(self, name, nginx):
        self.name = name
        self.nginx = nginx
        self.url = f"http://localhost:{nginx.port}"
        self.log = nginx.folder / "logs" / "verdict.log"

    def requests(self):
        """Lines of the access log: status, rules, method, path."""
        return [line.split(" ", 3) for line in self.log.read_text(encoding="utf-8", errors="replace").splitlines()]

    def control(self):
        """What is wrong with the answers to requests that nobody minds."""
        wrong = []
        for method, path, fields, body, wanted in CONTROL:
            before = len(self.requests())
            asked = urllib.request.Request(self.url + path, body and body.encode(), method=method, headers={
                "User-Agent": AGENT, "Accept": "*/*", **fields})
            try:
                with urllib.request.urlopen(asked, timeout=30) as answer:
                    got = answer.read().decode()
            except urllib.error.HTTPError as error:
                got = f"status {error.code}"
            if got != wanted:
                wrong.append(f"{method} {path}: {got!r}")
            wrong += [f"{method} {path}: matches {line[1]}" for line in self.requests()[before:] if line[1] not in ('""', '"-"')]
        return wrong


@contextlib.contextmanager
def targets():
    """The plain nginx, the one with Guard, and the secret that no request may give away."""
    secret = secrets.token_hex(12)
    with tempfile.TemporaryDirectory() as state:
        os.chmod(state, 0o755)
        app = subprocess.Popen(["/usr/bin/python3", "-B", HERE / "vulnerable.py", state, secret],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            address = Path(state) / "address"
            end = time.monotonic() + START
            while not address.exists():
                if app.poll() is not None or time.monotonic() > end:
                    raise SystemExit("the application does not start")
                time.sleep(0.05)
            app_address = address.read_text(encoding="ascii").strip()
            folder = BUILD / "attack"
            folder.mkdir(exist_ok=True)
            with Nginx(folder / "plain", [], PLAIN_SERVER.replace("APP", app_address)) as plain, \
                    Nginx(folder / "guard", GUARD, SERVER.replace("APP", app_address)) as guard:
                yield Target("plain", plain), Target("guard", guard), secret
        finally:
            app.terminate()
            app.wait()


def statuses(lines):
    return dict(sorted(Counter(line[0] for line in lines).items()))


def prepare():
    """Installs the tools and builds the modules, if need be."""
    for command in (["scripts/setup", "--attack"], ["scripts/build"]):
        if subprocess.run(command, cwd=ROOT, stdout=sys.stderr, check=False).returncode:
            raise SystemExit(f"{' '.join(command)} has failed")
