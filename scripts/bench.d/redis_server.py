"""redis-servers for measuring: Debian's own, pinned to a core, without persistence."""

import re
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from machine import LOAD_CORE, BenchError, spawn

CLUSTER_SLOTS = 16384
# What nginx sends to count by a GCRA, with sync=strict and by intervals. Redis also counts what
# scripts call: TIME, GET and SET.
SENT = ("eval", "evalsha", "script|load")


class RedisError(BenchError):
    pass


class Redis:
    """One server on a Unix socket of its own, and on address:port if there is an address."""

    def __init__(self, *, core=LOAD_CORE, address=None, port=0, config=()):
        self.core = core
        self.address = address
        self.port = port
        self.config = list(config)
        self.process = None
        # A socket's path may have 107 letters, and that of the build folder is the user's.
        self.folder = tempfile.TemporaryDirectory(prefix="guard-bench-")
        self.socket = Path(self.folder.name) / "redis.sock"

    @property
    def unix_url(self):
        return f"unix:{self.socket}"

    def __enter__(self):
        lines = [f"port {self.port}", f"unixsocket {self.socket}", f"dir {self.folder.name}",
                 "daemonize no", "save \"\"", "appendonly no", "protected-mode no",
                 f"logfile {self.folder.name}/redis.log"]
        if self.address:
            lines.append(f"bind {self.address}")
        path = Path(self.folder.name) / "redis.conf"
        path.write_text("\n".join(lines + self.config) + "\n")
        self.process = spawn(["taskset", "-c", str(self.core), "redis-server", str(path)])
        try:
            self.wait_until(self.answers, "does not start")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind, error, trace):
        self.stop()

    def stop(self):
        if self.process is not None:
            self.resume()
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        self.folder.cleanup()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def wait_until(self, condition, complaint, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                raise BenchError(f"redis-server {complaint}")
            time.sleep(0.01)

    def answers(self):
        try:
            return self.run("PING") == "PONG"
        except (OSError, RedisError):
            return False

    def run(self, *words):
        """The reply to one command, on a connection of its own."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(30)
            link.connect(str(self.socket))
            parts = [str(word).encode() for word in words]
            link.sendall(b"*%d\r\n" % len(parts)
                         + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
            with link.makefile("rb") as replies:
                return read_reply(replies)

    def calls(self):
        """How many commands nginx has sent to count with."""
        found = re.findall(r"^cmdstat_([^:]+):calls=(\d+)", self.run("INFO", "commandstats"), re.M)
        return sum(int(calls) for name, calls in found if name in SENT)


def read_reply(replies):
    """One reply of RESP2: text, a number, None or a list of these; raises RedisError for an error."""
    line = replies.readline()
    if not line.endswith(b"\r\n"):
        raise RedisError("Redis closed the connection")
    kind, text = line[:1], line[1:-2].decode()
    if kind == b"-":
        raise RedisError(f"Redis says: {text}")
    if kind == b":":
        return int(text)
    if kind == b"$":
        return None if text == "-1" else replies.read(int(text) + 2)[:-2].decode()
    if kind == b"*":
        return None if text == "-1" else [read_reply(replies) for _ in range(int(text))]
    if kind == b"+":
        return text
    raise RedisError(f"Redis says what is no RESP2: {line[:80]}")


class Cluster:
    """Masters of a cluster on one address, each with an equal share of the slots."""

    def __init__(self, address, ports, *, core=LOAD_CORE):
        self.address = address
        self.ports = list(ports)
        self.nodes = [Redis(core=core, address=address, port=port, config=(
            "cluster-enabled yes", "cluster-node-timeout 5000", f"cluster-announce-ip {address}"))
            for port in self.ports]

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def start(self):
        for node in self.nodes:
            node.__enter__()
        first, *others = self.nodes
        bounds = [CLUSTER_SLOTS * i // len(self.nodes) for i in range(len(self.nodes) + 1)]
        for number, node in enumerate(self.nodes):
            node.run("CLUSTER", "ADDSLOTSRANGE", bounds[number], bounds[number + 1] - 1)
            node.run("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in others:
            first.run("CLUSTER", "MEET", node.address, node.port)
        for node in self.nodes:
            node.wait_until(lambda node=node: self.complete(node), "finds no cluster", 60)

    def complete(self, node):
        info = node.run("CLUSTER", "INFO")
        return ("cluster_state:ok" in info and f"cluster_known_nodes:{len(self.nodes)}" in info
                and f"cluster_size:{len(self.nodes)}" in info)

    def __exit__(self, kind, error, trace):
        self.stop()

    def stop(self):
        for node in self.nodes:
            node.stop()

    def calls(self):
        return sum(node.calls() for node in self.nodes)

    def url(self):
        return "redis+cluster://" + ",".join(f"{self.address}:{port}" for port in self.ports)
