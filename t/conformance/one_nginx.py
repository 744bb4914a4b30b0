"""An nginx of Debian's on a socket of its own, and a client that sends it bytes as they are."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("GUARD_BUILD", ROOT / "build")).resolve()
GUARD = [BUILD / "ngx_http_guard_module.so", BUILD / "ngx_http_guard_inspect_module.so"]
BINARY = os.environ.get("TEST_NGINX_BINARY", "/usr/sbin/nginx")
START = 120  # seconds: rules are compiled meanwhile

# Requests come to nginx as they are, and each has a connection: what follows one is not taken for another.
HTTP = """
keepalive_timeout 0;
client_header_timeout 2s;
client_body_timeout 2s;
client_header_buffer_size 64k;
large_client_header_buffers 8 64k;
client_max_body_size 16m;
client_body_buffer_size 1m;
client_body_temp_path tmp/body;
proxy_temp_path tmp/proxy;
fastcgi_temp_path tmp/fastcgi;
uwsgi_temp_path tmp/uwsgi;
scgi_temp_path tmp/scgi;
underscores_in_headers on;
ignore_invalid_headers off;
merge_slashes off;
"""


class Nginx:
    """http: the rest of the http block; {listen} in it is the address to send to, {app} that of an
    application which answers all with 200. The folder is kept, for its logs."""

    def __init__(self, folder, modules, http):
        self.folder = Path(folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "tmp").mkdir(parents=True)
        (self.folder / "logs").mkdir()
        self.port = free_port()
        app = f"unix:{self.folder}/app.sock"
        load = "".join(f"load_module {path};\n" for path in modules)
        user = f"user {pwd.getpwuid(0).pw_name};\n" if os.getuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(
            f"{load}{user}worker_processes 1;\ndaemon off;\npid nginx.pid;\nerror_log logs/error.log warn;\n"
            f"events {{ worker_connections 1024; }}\nhttp {{\n{HTTP}\n"
            f"server {{ listen {app}; access_log off; location / {{ return 200 fine; }} }}\n"
            + http.replace("{listen}", f"127.0.0.1:{self.port}").replace("{app}", f"http://{app}") + "\n}\n")
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(
            [BINARY, "-p", str(self.folder), "-c", "nginx.conf", "-e", "logs/error.log"])
        end = time.monotonic() + START
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise SystemExit(f"nginx does not start: see {self.folder}/logs/error.log")
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise SystemExit(f"nginx does not start in {START} seconds")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, request):
        """Sends the bytes and reads until the end. Gives the port that it sent from, and the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as client:
            port = client.getsockname()[1]
            answer = b""
            try:
                client.sendall(request)
            except OSError:
                pass  # refused before all of it was read
            try:
                while piece := client.recv(65536):
                    answer += piece
            except ConnectionResetError:
                pass
            return port, answer


class Lines:
    """A log that is read while it grows."""

    def __init__(self, path):
        self.path = path
        self.file = None

    def next(self, wanted, seconds=10):
        """The first new line that `wanted` makes something of."""
        end = time.monotonic() + seconds
        rest = ""
        while time.monotonic() < end:
            if self.file is None and self.path.exists():
                self.file = self.path.open(encoding="utf-8", errors="surrogateescape")
            line = self.file.readline() if self.file else ""
            if not line:
                time.sleep(0.001)
                continue
            rest += line
            if rest.endswith("\n"):
                found = wanted(rest)
                if found is not None:
                    return found
                rest = ""
        return None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
