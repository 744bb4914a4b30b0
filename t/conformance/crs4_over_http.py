#!/usr/bin/python3
"""Replays the regression tests of CRS 4 over HTTP: crs4_over_http.py FOLDER [TITLE]

FOLDER is a checkout of https://github.com/coreruleset/coreruleset. Rules and tests are its own; nothing is
refused, as the tests want it, and answers are looked at. What the tests expect of ModSecurity behind nginx
(nginx-overrides.yaml) is as good as what they expect of Apache httpd. Prints what does not end as expected,
and the figures by file of rules; ends with 1 when there is anything. Of those whose title ("942100-1") holds
TITLE the requests and answers are shown, if they do not pass.
"""

import json
import re
import sys
import threading
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from crs_corpus import request_of
from crs_over_http import RULES_LENGTH, verdict
from one_nginx import BUILD, GUARD, Lines, Nginx

WORK = BUILD / "conformance" / "crs4"
SETUP = r"""SecAction "id:900005,phase:1,nolog,pass,t:none,setvar:tx.blocking_paranoia_level=4,setvar:tx.crs_validate_utf8_encoding=1,\
  setvar:tx.enforce_bodyproc_urlencoded=1,setvar:tx.arg_name_length=100,setvar:tx.arg_length=400,setvar:tx.total_arg_length=64000,\
  setvar:tx.max_num_args=255,setvar:tx.max_file_size=64100,setvar:tx.combined_file_sizes=65535,\
  setvar:tx.inbound_anomaly_score_threshold=10000,setvar:tx.outbound_anomaly_score_threshold=10000"
"""
REPEAT = re.compile(r'\{\{ *"([^"]*)" *\| *repeat (\d+) *\}\}')
HTTP = """
log_format verdict '$remote_port $status $upstream_status "$guard_verdict" "$guard_code" "$guard_inspect_rules"';
server {
    listen {listen};
    access_log logs/verdict.log verdict;
    guard_inspect on;
    guard_inspect_rules %s;
    guard_inspect_paranoia 4;
    guard_inspect_response on;
    location / { proxy_pass {app}; }
    location = /reflect { proxy_pass http://127.0.0.1:%d; }
}
"""


class Reflector(BaseHTTPRequestHandler):
    """Answers with what the request's JSON says."""

    def do_POST(self):
        wanted = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        body = wanted.get("body", "").encode()
        self.send_response(wanted.get("status", 200))
        fields = {"Content-Type": "text/plain; charset=utf-8"} | wanted.get("headers", {})
        for name, value in fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def wrong_with(output, status, rules):
    """What of an expectation is not met; empty: nothing."""
    log = output.get("log", {})
    if output.get("expect_error") and status >= 400:
        return ""
    if "status" in output and status != output["status"]:
        return f"status {status}, not {output['status']}"
    missing = set(log.get("expect_ids", [])) - rules
    if missing:
        return f"{sorted(missing)} missing"
    found = set(log.get("no_expect_ids", [])) & rules
    if "no_match_regex" in log:
        named = {int(rule) for rule in re.findall(r'id "(\d+)"', log["no_match_regex"])}
        found |= named & rules if named else rules
    if found:
        return f"{sorted(found)} not wanted"
    return ""


def read_overrides(tests):
    overrides = {}
    for entry in yaml.safe_load((tests / "nginx-overrides.yaml").read_text(encoding="utf-8"))["test_overrides"]:
        for test in entry["test_ids"]:
            overrides[f"{entry['rule_id']}-{test}"] = entry.get("output", {})
    return overrides


def stages(tests, only):
    """File of rules, title, request, expectation."""
    for path in sorted((tests / "tests").glob("*/*.y*ml")):
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        for test in (data or {}).get("tests") or []:
            title = f"{data['rule_id']}-{test['test_id']}"
            if only not in title:
                continue
            for stage in test["stages"]:
                given = {name: value if isinstance(value, (dict, bool)) else str(value) for name, value in stage["input"].items()}
                given["headers"] = {name: str(value) for name, value in given.get("headers", {}).items()}
                given["data"] = REPEAT.sub(lambda found: found[1] * int(found[2]), given.get("data", ""))
                if not given["data"] and given.get("method") == "POST" and given.get("autocomplete_headers", True):
                    given["headers"].setdefault("Content-Length", "0")
                given["stop_magic"] = "false" if given.get("autocomplete_headers", True) else "true"
                yield path.parent.name, title, request_of(given), stage["output"]


def main():
    folder = Path(sys.argv[1]).resolve()
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    tests = folder / "tests/regression"
    overrides = read_overrides(tests)
    WORK.parent.mkdir(parents=True, exist_ok=True)
    setup = WORK.parent / "tests4.conf"
    setup.write_text(SETUP)
    files = f"{setup} {folder}/crs-setup.conf.example {folder}/rules/*.conf"
    server = ThreadingHTTPServer(("127.0.0.1", 0), Reflector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    counts = defaultdict(Counter)
    with Nginx(WORK, GUARD, HTTP % (files, server.server_port)) as nginx:
        log = Lines(WORK / "logs" / "verdict.log")
        for group, title, request, output in stages(tests, only):
            port, answer = nginx.ask(request)
            found = log.next(lambda line, port=port: verdict(line, port))
            if found is None:
                raise SystemExit(f"{title}: nginx logs no request")
            status, _, rules = found
            wrong = wrong_with(output, status, rules)
            if not wrong:
                counts[group]["passed"] += 1
            elif title in overrides and not wrong_with(overrides[title], status, rules):
                counts[group]["as on nginx"] += 1
            else:
                counts[group]["failed"] += 1
                print(f"{title}: {wrong}; {status}, matched {sorted(rules)}")
                if only:
                    print(request.decode(errors="replace"), answer.decode(errors="replace"), sep="\n---\n")
    for group, figures in counts.items():
        print(f"{group}: " + ", ".join(f"{figures[kind]} {kind}" for kind in ("passed", "as on nginx", "failed")))
    total = sum(counts.values(), Counter())
    print(f"crs4: {total.total()} requests, {total['passed']} passed, {total['as on nginx']} as on nginx, {total['failed']} failed")
    return 1 if total["failed"] or not total else 0


if __name__ == "__main__":
    sys.exit(main())
