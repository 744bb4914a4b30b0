"""nginx servers for measuring: Debian's own binary on free ports, pinned, with logs that are read."""

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from machine import LOAD_CORE, SERVER_CORE, BenchError, children, mask, spawn

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("GUARD_BUILD", ROOT / "build")).resolve()
MODULE = BUILD / "ngx_http_guard_module.so"
OUT = BUILD / "bench"
NGINX = "/usr/sbin/nginx"

# Settings that no side of a comparison may differ in. Connections are kept for the whole of a run.
COMMON = """\
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_body_temp_path tmp/body;
    proxy_temp_path tmp/proxy;
    fastcgi_temp_path tmp/fastcgi;
    uwsgi_temp_path tmp/uwsgi;
    scgi_temp_path tmp/scgi;
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Nginx:
    """One nginx with the given http block ({listen} in it becomes the address to listen on).

    cores: one worker on each. guard: whether the module is loaded. modules: files of others.
    single: no master process, as valgrind needs it. wrapper: words before nginx's own command line,
    inside: words before that, for nginx -t as well. reuseport: with several workers, a listening
    socket for each (connections that wait on one are lost in a reload). environment: more of it.
    connections: of a worker.
    """

    def __init__(self, name, http, *, cores=(SERVER_CORE,), guard=False, modules=(), common=COMMON,
                 reuseport=True, single=False, wrapper=(), inside=(), environment=None,
                 address="127.0.0.1", connections=4096):
        self.name = name
        self.cores = cores
        self.single = single
        self.wrapper = list(wrapper)
        self.inside = list(inside)
        self.environment = {**os.environ, **(environment or {})}
        self.address = address
        self.port = free_port()
        self.process = None
        self.folder = OUT / "run" / name
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "tmp").mkdir(parents=True)
        (self.folder / "logs").mkdir()
        listen = f"{address}:{self.port} backlog=4096"
        if len(cores) > 1 and reuseport:
            listen += " reuseport"  # else the worker that is awake first takes most connections
        load = "".join(f"load_module {path};\n" for path in ([MODULE] if guard else []) + list(modules))
        user = f"user {pwd.getpwuid(0).pw_name};\n" if os.getuid() == 0 else ""
        workers = "master_process off;\n" if single else (
            f"worker_processes {len(cores)};\n"
            f"worker_cpu_affinity {' '.join(mask(core) for core in cores)};\n")
        (self.folder / "nginx.conf").write_text(
            f"{load}{user}{workers}daemon off;\npid nginx.pid;\nerror_log logs/error.log warn;\n"
            f"worker_rlimit_nofile {2 * connections};\n"
            f"events {{ worker_connections {connections}; }}\n"
            f"http {{\n{common}{http.replace('{listen}', listen)}\n}}\n")

    def command(self):
        return [NGINX, "-p", str(self.folder), "-c", "nginx.conf", "-e", "logs/error.log"]

    def refusal(self):
        """What nginx -t has against the configuration; empty: nothing."""
        test = subprocess.run([*self.inside, *self.command(), "-t", "-q"], capture_output=True,
                              text=True, env=self.environment)
        if test.returncode == 0:
            return ""
        lines = [line for line in test.stderr.splitlines() if "[emerg]" in line]
        return lines[0] if lines else test.stderr.strip() or f"status {test.returncode}"

    def __enter__(self):
        refusal = self.refusal()
        if refusal:
            raise BenchError(f"nginx does not accept the configuration of {self.name} "
                             f"({self.folder}/nginx.conf): {refusal}")
        self.process = spawn([*self.inside, *self.wrapper, *self.command()], self.environment)
        try:
            self.wait_until(self.answers, "does not start")
            if not self.single:
                self.wait_until(lambda: len(self.workers()) == len(self.cores), "has no workers")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind, error, trace):
        self.stop()
        if kind is None:
            self.check_log()

    def stop(self):
        if self.process is None:
            return
        for _ in range(60):
            if self.process.poll() is not None:
                break
            # Again and again: a single process may sleep through a signal that comes just before
            # it waits for events.
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(1)
            except subprocess.TimeoutExpired:
                continue
        else:
            self.process.kill()
            self.process.wait()
        self.process = None

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex((self.address, self.port)) == 0

    def wait_until(self, condition, complaint, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                raise BenchError(f"the nginx of {self.name} {complaint}: "
                                 f"see {self.folder}/logs/error.log")
            time.sleep(0.01)

    def workers(self):
        return [self.process.pid] if self.single else children(self.process.pid)

    def check_log(self):
        """Nothing that nginx itself calls an error may have happened during a measurement."""
        log = self.folder / "logs" / "error.log"
        found = re.search(r".*\[(alert|crit|emerg|error)\].*", log.read_text(errors="replace"))
        if found:
            raise BenchError(f"{log}: {found.group(0)}")


def upstream_app(answer, name="upstream"):
    """The application behind the proxies: answers at once, on the core of the load."""
    return Nginx(name, f"""\
    default_type application/json;
    client_max_body_size 0;
    server {{
        listen {{listen}};
        location / {{ return 200 '{answer}'; }}
    }}""", cores=(LOAD_CORE,))


def proxy_text(app, said=""):
    """The http block of a proxy before app, an upstream_app, with what its location says besides.
    Bodies stay in memory, and connections to both sides live as long as the measurement."""
    return f"""
    upstream app {{
        server 127.0.0.1:{app.port};
        keepalive 64;
        keepalive_requests 1000000000;
        keepalive_timeout 1h;
    }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    client_max_body_size 1m;
    client_body_buffer_size 256k;
    server {{
        listen {{listen}};
        location / {{ proxy_pass http://app; {said} }}
    }}"""
