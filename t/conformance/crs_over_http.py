#!/usr/bin/python3
"""Replays the Core Rule Set's regression tests over HTTP through an nginx with guard_inspect: crs_over_http.py [TITLE]

Ends with 1 when a test does not end as it expects and t/crs-3.3/differences has no reason for it, or has
one that is no longer needed.
"""

import sys
from collections import Counter

from crs_corpus import SETUP, TESTS, stages
from one_nginx import BUILD, GUARD, Lines, Nginx

FOLDER = BUILD / "conformance" / "crs"
HTTP = """
log_format verdict '$remote_port $status $upstream_status "$guard_verdict" "$guard_code" "$guard_inspect_rules"';
server {
    listen {listen};
    access_log logs/verdict.log verdict;
    guard_inspect on;
    guard_inspect_rules ../tests.conf crs;
    guard_inspect_paranoia 4;
    location / { proxy_pass {app}; }
}
"""
RULES_LENGTH = 500  # of $guard_inspect_rules, beyond which some may be missing


def read_reasons(path):
    """Lines "TITLE[,TITLE...] REASON": what does not end as expected, and why."""
    reasons = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            titles, reason = line.split(None, 1)
            reasons.update(dict.fromkeys(titles.split(","), reason))
    return reasons


def verdict(line, port):
    """Status, whether the application was asked, rules; None: of another connection."""
    words = line.split(" ", 3)
    if words[0] != str(port):
        return None
    rules = line.rstrip().rsplit('"', 2)[1]
    if len(rules) > RULES_LENGTH:
        raise SystemExit(f"too many rules to tell: {rules}")
    # nginx's own marks of a connection that it closes are an answer of 400 to the client.
    return int(words[1]), words[2] != "-", {int(rule) for rule in rules.split(",") if rule.isdigit()}


def judge(stage, status, passed, rules):
    """What is wrong; empty: nothing."""
    if stage.refused:
        return f"is answered by the application with {status}" if passed and status < 400 else ""
    if stage.statuses and not stage.wanted and status not in stage.statuses:
        return f"status {status}, not one of {sorted(stage.statuses)}"
    if stage.wanted and stage.wanted not in rules:
        return f"{stage.wanted} is missing"
    if stage.unwanted and stage.unwanted in rules:
        return f"{stage.unwanted} is not wanted"
    if stage.unwanted and not rules and not passed:
        return f"{stage.unwanted} was not asked"
    return ""


def main():
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    reasons = read_reasons(TESTS / "differences")
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    (FOLDER.parent / "tests.conf").write_text(SETUP % (4, ""))
    counts = Counter()
    met = set()
    with Nginx(FOLDER, GUARD, HTTP) as nginx:
        log = Lines(FOLDER / "logs" / "verdict.log")
        for stage in stages(only):
            port, answer = nginx.ask(stage.request)
            found = log.next(lambda line, port=port: verdict(line, port))
            if found is None:
                raise SystemExit(f"{stage.title}: nginx logs no request")
            status, passed, rules = found
            wrong = judge(stage, *found)
            if not wrong:
                counts["passed"] += 1
                continue
            if stage.title in reasons:
                met.add(stage.title)
                counts[reasons[stage.title]] += 1
            else:
                counts["failed"] += 1
                print(f"{stage.title}: {wrong}; {status}, {'passed on' if passed else 'not passed on'}, "
                      f"matched {sorted(rules)}")
            if only:
                print(stage.request.decode(errors="replace"), answer.decode(errors="replace"), sep="\n---\n")
    idle = set(reasons) - met if not only else set()
    for title in sorted(idle):
        print(f"{title}: ends as expected, though t/crs-3.3/differences says that it does not")
    total = counts.total()
    passed, failed = counts.pop("passed", 0), counts.pop("failed", 0)
    for reason, count in counts.most_common():
        print(f"{count:5} excused: {reason}")
    print(f"crs: {total} requests, {passed} passed, {failed} failed, {counts.total()} excused")
    return 1 if failed or idle or not total else 0


if __name__ == "__main__":
    sys.exit(main())
