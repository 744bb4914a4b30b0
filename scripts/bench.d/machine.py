"""What the bench runs on: cores, kind, load; processes, their CPU time and memory."""

import ctypes
import os
import signal
import subprocess
from pathlib import Path


class BenchError(Exception):
    """What makes a measurement worthless or impossible: one sentence for the user."""


CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = CORES[0]
# nginx and the load must not take time from each other; on one core they do, on both sides alike.
LOAD_CORE = CORES[-1]


def mask(core):
    """A core as worker_cpu_affinity wants it."""
    return "1" + "0" * core


PR_SET_PDEATHSIG = 1  # linux/prctl.h
LIBC = ctypes.CDLL(None)


def spawn(command, environment=None, output=subprocess.DEVNULL):
    """A process that ends with the bench, however that ends."""
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                            stderr=subprocess.DEVNULL, env=environment, text=True,
                            preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM))


def children(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_seconds(pid):
    """CPU time of a single-threaded process so far, to the nanosecond where the kernel counts so."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except FileNotFoundError:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def resident_kb(pid):
    """{"VmRSS": all that is resident, "RssAnon": what is the process's own}, in KB."""
    found = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name in ("VmRSS", "RssAnon"):
            found[name] = int(value.split()[0])
    return found


def kind():
    """The class of the machine, in one line."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return f"{model}, {len(CORES)} core{'s' if len(CORES) > 1 else ''}, Linux {os.uname().release}"


def load_average():
    return os.getloadavg()[0]
