#!/usr/bin/python3
"""Holds guard_inspect against libnginx-mod-http-modsecurity, rule for rule: modsecurity.py [TITLE]

Both only detect, by the same Core Rule Set, on the same bytes: its own tests and ordinary requests, at paranoia
levels 1 and 4. Compared are the ids of the rules that match and the anomaly score: once with the rules as Debian has
them, once as Apache httpd and ModSecurity v2 read them, for which they are written (see as_httpd_reads). A difference
of the first is only then put down to how rules are read when it is gone, in that very request, in the second. What
differs for a known reason stands in t/differential/modsecurity.differences. The end is 1 when something differs for
none, and when of the second more than 1 % differs at all.
"""

import json
import shutil
import sys
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "conformance"))

from crs_corpus import SETUP, stages  # noqa: E402
from one_nginx import BUILD, GUARD, Lines, Nginx  # noqa: E402
from ordinary_requests import requests  # noqa: E402

MODSECURITY = ["/usr/lib/nginx/modules/ngx_http_modsecurity_module.so"]
FOLDER = BUILD / "differential" / "inspect"
SCORE = 9000001  # our rule that says the score
# Rules of answers and of the log, which Guard does not run.
LATER = range(950000, 990000)
INBOUND = {949110, 949111}
LEAST = 0.99

SCORE_RULE = rf"""SecAction "id:{SCORE},phase:2,pass,log,t:none,msg:'score %{{tx.anomaly_score}}'"
"""
REFERENCE = r"""SecRuleEngine DetectionOnly
SecRequestBodyAccess On
SecResponseBodyAccess Off
SecRequestBodyLimit 134217728
SecRequestBodyNoFilesLimit 134217728
SecUnicodeMapFile /etc/nginx/unicode.mapping 20127
SecAuditEngine On
SecAuditLogFormat JSON
SecAuditLogType Serial
SecAuditLogParts AHZ
SecAuditLog {folder}/audit.log
SecRule REQUEST_HEADERS:Content-Type "^(?:application(?:/soap\+|/)|text/)xml" \
    "id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "^application/json" \
    "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQBODY_ERROR "!@eq 0" "id:200002,phase:2,t:none,log,pass,severity:2"
SecRule MULTIPART_STRICT_ERROR "!@eq 0" "id:200003,phase:2,t:none,log,pass,severity:2"
SecRule MULTIPART_UNMATCHED_BOUNDARY "@eq 1" "id:200004,phase:2,t:none,log,pass,severity:2"
Include {folder}/../before.conf
{more}
Include /etc/modsecurity/crs/crs-setup.conf
Include {rules}/*.conf
Include {folder}/../after.conf
"""
RULES = Path("/usr/share/modsecurity-crs/rules")
# In v2 multipart bodies have no REQUEST_BODY.
NO_MULTIPART = r"""SecRule REQUEST_HEADERS:Content-Type "@rx (?i)^multipart/" \
    "id:900001,phase:1,t:none,pass,nolog,ctl:ruleRemoveTargetByTag=OWASP_CRS;REQUEST_BODY" """
SERVER = """
log_format verdict '$remote_port $status "$guard_inspect_score" "$guard_inspect_rules"';
server {
    listen {listen};
    access_log logs/verdict.log verdict;
    guard_mode observe;
    guard_inspect on;
    guard_inspect_rules ../before.conf crs ../after.conf;
    location / { proxy_pass {app}; }
}
"""
REFERENCE_SERVER = """
server {
    listen {listen};
    access_log off;
    modsecurity on;
    modsecurity_rules_file %s;
    location / { proxy_pass {app}; }
}
"""


def as_httpd_reads(folder):
    """The rules with one backslash where two stand, which is what httpd makes of a quoted word."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(RULES, folder)
    for path in folder.glob("*.conf"):
        path.write_text(path.read_text(encoding="utf-8").replace("\\\\", "\\"), encoding="utf-8")
    return folder


def ours(line, port):
    words = line.split(" ", 2)
    if words[0] != str(port):
        return None
    _, score, _, rules, _ = words[2].split('"')
    return {int(rule) for rule in rules.split(",") if rule.isdigit()}, int(score or 0)


def theirs(line, port):
    entry = json.loads(line, strict=False)["transaction"]
    if entry["client_port"] != port:
        return None
    rules, score = set(), 0
    for found in entry["messages"]:
        number = int(found["details"]["ruleId"])
        if number == SCORE:
            score = int(found["message"].split()[-1] if found["message"].split()[-1].isdigit() else 0)
        rules.add(number)
    return rules, score


def counted(rules):
    return {rule for rule in rules if (rule not in LATER or rule in INBOUND) and rule != SCORE}


class Differences:
    """Lines "TITLES RULES REASON", or "proved TITLES RULES REASON", as the file says."""

    def __init__(self, path):
        self.entries = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                proved = line.startswith("proved ")
                titles, rules, reason = line.removeprefix("proved ").split(None, 2)
                self.entries.append((titles.split(","), set(rules.split(",")), reason, proved))
        self.used = set()

    def reason(self, title, difference, gone):
        """Why this differs; None: nobody knows. Each rule must be explained, by one line or several. gone: which of
        them do not differ for this request once the rules are as httpd reads them."""
        reasons = []
        for rule in sorted(difference):
            for index, (titles, rules, reason, proved) in enumerate(self.entries):
                if rule in rules and (rule in gone or not proved) and any(
                        title == one or (one.endswith("*") and title.startswith(one[:-1])) for one in titles):
                    self.used.add(index)
                    reasons.append(reason)
                    break
            else:
                return None
        return reasons[0] if reasons else None

    def idle(self):
        return [entry for index, entry in enumerate(self.entries) if index not in self.used]


def corpus(only):
    for stage in stages(only):
        yield stage.title, stage.request
    for title, request in requests():
        if only in title:
            yield title, request


def compare(level, httpd, only, known, left_over):
    """left_over: by title, what differs as httpd reads the rules; noted then, and asked for otherwise."""
    folder = FOLDER / f"{level}{'-httpd' if httpd else ''}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "before.conf").write_text(SETUP % (level, ",ctl:ruleEngine=DetectionOnly"))
    (folder / "after.conf").write_text(SCORE_RULE)
    (folder / "reference.conf").write_text(
        REFERENCE.replace("{folder}", str(folder / "reference")).replace("{more}", NO_MULTIPART if httpd else "")
        .replace("{rules}", str(as_httpd_reads(folder / "rules") if httpd else RULES)))
    counts = Counter()
    unknown = 0
    way = ", as httpd reads" if httpd else ""
    with Nginx(folder / "guard", GUARD, SERVER.replace("guard_inspect on;",
               f"guard_inspect on; guard_inspect_paranoia {level};")) as guard, \
         Nginx(folder / "reference", MODSECURITY, REFERENCE_SERVER % (folder / "reference.conf")) as reference:
        our_log, their_log = Lines(folder / "guard" / "logs" / "verdict.log"), Lines(folder / "reference" / "audit.log")
        for title, request in corpus(only):
            port, answer = guard.ask(request)
            mine = our_log.next(lambda line, port=port: ours(line, port))
            port, their_answer = reference.ask(request)
            status = answer[9:12]
            if status != b"200" and status == their_answer[9:12] and mine is not None and not mine[0]:
                counts["refused by nginx itself"] += 1
                continue
            peer = their_log.next(lambda line, port=port: theirs(line, port), 3)
            if mine is None or peer is None:
                print(f"{title}: no line in the log: {answer[:15]} {their_answer[:15]}")
                unknown += 1
                continue
            left, right = counted(mine[0]), counted(peer[0])
            difference = {f"+{rule}" for rule in left - right} | {f"-{rule}" for rule in right - left}
            if not difference and mine[1] != peer[1]:
                difference = {"score"}
            if httpd:
                left_over[title] = difference
            if not difference:
                counts["equal"] += 1
                continue
            gone = set() if httpd or title not in left_over else difference - left_over[title]
            reason = known.reason(title, difference, gone)
            counts["different"] += 1
            if reason is None:
                unknown += 1
                print(f"level {level}{way}, {title}: {' '.join(sorted(difference))}; score {mine[1]}, there {peer[1]}")
            else:
                counts["because " + reason] += 1
            if only:
                print(request.decode(errors="replace"), sorted(left), sorted(right), sep="\n")
    compared = counts["equal"] + counts["different"]
    share = counts["equal"] / compared if compared else 0
    for name, count in counts.most_common():
        print(f"{count:6} {name}")
    print(f"inspect: paranoia {level}{way}: {compared} requests compared, {100 * share:.2f} % equal, {unknown} unexplained")
    return not unknown and (only or not httpd or share >= LEAST)


def main():
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    known = Differences(HERE / "modsecurity.differences")
    good = True
    for level in (1, 4):
        left_over = {}
        for httpd in (True, False):
            good = compare(level, httpd, only, known, left_over) and good
    idle = [] if only else known.idle()
    for entry in idle:
        print("modsecurity.differences has what no longer differs:", *entry)
    return 0 if good and not idle else 1


if __name__ == "__main__":
    sys.exit(main())
