"""Network namespaces on one bridge, as machines in a network of their own. Needs root."""

import fcntl
import os
import re
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from machine import BenchError

# Meant for measurements (RFC 2544): no real network has these addresses.
SUBNETS = [f"198.18.{i}" for i in range(256)]
# Names hold the pid of whoever made them, so that what a killed bench has left is known as such.
NAME = re.compile(r"^guard-bench-(\d+)(?:-\d+)?$")
LINK = re.compile(r"^gb(\d+)(?:\.\d+)?$")
# Held while links come and go. Chromium gives up what it loads when it sees that, so browser tests hold it as well.
LOCK = Path(tempfile.gettempdir()) / "guard-network.lock"


def ip(*words, check=True):
    done = subprocess.run(["ip", *words], capture_output=True, text=True)
    if check and done.returncode != 0:
        raise BenchError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def namespaces():
    return [line.split()[0] for line in ip("netns", "list").splitlines() if line]


def links():
    return [line.split()[0].partition("@")[0] for line in ip("-br", "link").splitlines() if line]


def is_left_over(match):
    return match is not None and not Path(f"/proc/{match.group(1)}").exists()


def remove_namespace(name):
    """With all that still runs in it."""
    for pid in ip("netns", "pids", name, check=False).split():
        try:
            os.kill(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            pass
    ip("netns", "del", name, check=False)


def remove(is_ours):
    """All namespaces and links of which is_ours, given the match of their name, is true."""
    for name in namespaces():
        if is_ours(NAME.match(name)):
            remove_namespace(name)
    for name in links():
        if is_ours(LINK.match(name)):
            ip("link", "del", name, check=False)


class Network:
    """hosts: [(namespace, address)], each with a way to the others and to gateway, an address of the
    bridge on the machine itself."""

    def __init__(self, count):
        self.count = count
        self.subnet = ""
        self.hosts = []
        self.lock = None

    @property
    def gateway(self):
        return f"{self.subnet}.1"

    def __enter__(self):
        if os.getuid() != 0:
            raise BenchError("network namespaces need root")
        self.lock = os.open(LOCK, os.O_RDONLY | os.O_CREAT, 0o666)
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        remove(is_left_over)
        try:
            self.build()
        except BaseException:
            self.remove()
            raise
        return self

    def build(self):
        taken = ip("-4", "-o", "addr")
        self.subnet = next(subnet for subnet in SUBNETS if f" {subnet}." not in taken)
        pid = os.getpid()
        bridge = f"gb{pid}"
        ip("link", "add", bridge, "type", "bridge")
        ip("addr", "add", f"{self.gateway}/24", "dev", bridge)
        ip("link", "set", bridge, "up")
        for number in range(self.count):
            name, address = f"guard-bench-{pid}-{number}", f"{self.subnet}.{10 + number}"
            ip("netns", "add", name)
            self.hosts.append((name, address))
            outside = f"gb{pid}.{number}"
            ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", outside, "master", bridge, "up")
            ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        self.wait_for_hosts()

    def wait_for_hosts(self):
        """A port of a bridge that has just come up may not forward yet."""
        end = time.monotonic() + 10
        for name, address in self.hosts:
            while subprocess.run(["ip", "netns", "exec", name, "bash", "-c",
                                  f"exec 3<>/dev/udp/{self.gateway}/9"],
                                 capture_output=True).returncode != 0:
                if time.monotonic() > end:
                    raise BenchError(f"{address} has no way to {self.gateway}")
                time.sleep(0.05)

    def remove(self):
        own = str(os.getpid())
        remove(lambda match: match is not None and match.group(1) == own)
        os.close(self.lock)

    def __exit__(self, kind, error, trace):
        self.remove()
