"""schema: what holding bodies to a JSON Schema costs, by itself and through nginx."""

import shutil
import subprocess
from statistics import median

from compare import Row, in_turn
from load import Request
from machine import SERVER_CORE, BenchError
from nginx import BUILD, ROOT, Nginx, proxy_text, upstream_app

ABOUT = "the order schema: against ajv on Node and valijson on rapidjson; through nginx, against the bare proxy"
SCHEMA = ROOT / "t" / "bench" / "order_schema.json"
AJV = ("ajv@8.20.0", "ajv-formats@3.0.1")
FOLDER = BUILD / "bench" / "schema"
# What is done, the peer, its name, the target: peer's time / ours.
PAIRS = (
    ("both", "ajv", "ajv and JSON.parse", 4.0),
    ("validate", "ajv", "ajv", 1.5),
    ("both", "valijson", "valijson on rapidjson", 10.0),
    ("validate", "valijson", "valijson", None),
)
NAMES = {"both": "parse and validate", "validate": "validate"}


def ran(command, what):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise BenchError(f"{what} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def prepared():
    if shutil.which("npm") is None:
        raise BenchError("ajv needs Node and npm")
    FOLDER.mkdir(parents=True, exist_ok=True)
    if not (FOLDER / "node_modules" / "ajv-formats").is_dir():
        ran(["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", "--prefix",
             str(FOLDER), *AJV], "npm install")
    ran(["make", "-s", "-f", "scripts/native.mk", f"OUT={BUILD}", f"{BUILD}/native/bench/schema"],
        "make")
    core = ["taskset", "-c", str(SERVER_CORE)]
    return ([*core, f"{BUILD}/native/bench/schema", str(SCHEMA), str(FOLDER)],
            [*core, "node", "t/bench/ajv.mjs", str(FOLDER), str(SCHEMA), str(FOLDER)])


def by_itself(options):
    """Each round runs both programs; what they print is microseconds a document."""
    ours, ajv = prepared()
    rounds = []
    for _ in range(options.rounds):
        found = {}
        for line in (ran(ours, "schema_bench") + ran(ajv, "ajv")).splitlines():
            what, size, spent = line.split()
            found[what, int(size)] = float(spent)
        rounds.append(found)
    rows = []
    sizes = sorted({size for _, size in rounds[0]})
    for what, peer, name, target in PAIRS:
        for size in sizes:
            us = [found[f"ours-{what}", size] for found in rounds]
            them = [found[f"{peer}-{what}", size] for found in rounds]
            # The promise is about the body of 2 KB.
            bound = f">= {target}" if target and size == sizes[0] else ""
            rows.append(Row(f"schema: {NAMES[what]}, {size:,} bytes", "us/document", median(us),
                            median(them), name, median(b / a for a, b in zip(us, them)), bound))
    small, *large = sizes
    for size in large:
        growth = median(found["ours-both", size] / size / (found["ours-both", small] / small)
                        for found in rounds)
        rows.append(Row(f"schema: ns/byte, {size:,} against {small:,} bytes", "ratio", growth, 1.0,
                        "linear", growth, "<= 1.5"))
    return rows


def through_nginx(options):
    body = (FOLDER / "orders-2000.json").read_bytes()
    request = Request("/api/orders", "POST", {"Content-Type": "application/json"}, body)
    with upstream_app('{"ok":true}') as app:
        ours = proxy_text(app, f"guard_json_schema {SCHEMA};")
        peer = proxy_text(app)
        return in_turn("schema: 2 KB through nginx", lambda: Nginx("schema-ours", ours, guard=True),
                       lambda: Nginx("schema-peer", peer), "bare proxy", request, options,
                       ">= 0.93")


# Each by the name that schema_worst_bench prints it with.
WORST = ("1 MB of [", "1 MB of one key", "one key 100,000 times", "names that collide",
         "1,000 [ and a $ref for each", "allOf of allOf, 2^16", "^(a+)+$ on strings of 60000")


def worst(options):
    """What a client makes to be expensive, against an ordinary body of that size and its schema."""
    ran(["make", "-s", "-f", "scripts/native.mk", f"OUT={BUILD}", f"{BUILD}/native/bench/schema_worst"],
        "make")
    # Ends with 1 where one costs too much: the rows say which.
    done = subprocess.run(["taskset", "-c", str(SERVER_CORE), f"{BUILD}/native/bench/schema_worst",
                           str(options.rounds)], capture_output=True, text=True)
    found = {}
    for line in done.stdout.splitlines():
        name, figures = line[:46].rstrip(), line[46:].split()
        found[name] = float(figures[figures.index("x") + 1])
    missing = [name for name in WORST if name not in found]
    if missing or done.returncode not in (0, 1):
        raise BenchError(f"schema_worst says nothing of {missing}: {done.stderr.strip()}")
    dearest = max(found, key=found.get)
    names = dict.fromkeys((*WORST, dearest))
    return [Row(f"schema: worst of {len(found)}: {name}" if name == dearest else f"schema: {name}",
                "ordinary bodies", found[name], 1.0, "an ordinary body", found[name], "<= 20")
            for name in names]


def measure(options):
    return by_itself(options) + worst(options) + through_nginx(options)
