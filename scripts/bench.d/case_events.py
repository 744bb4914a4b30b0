"""events: an ECS line for each request, against access_log with the same fields."""

import json
import tempfile

import instructions
from compare import in_turn
from load import Request, ask_well
from machine import BenchError
from nginx import Nginx

ABOUT = "one ECS line for each request, against access_log escape=json of the same fields, buffered alike"
TARGET = ">= 1.0"
CHAIN_TARGET = ">= 0.95"

SERVER = """
    %s
    server {
        listen {listen};
        location / { %s empty_gif; }
    }"""
OURS = SERVER % ("guard_event_log logs/events.json;", "guard_event x_request on=all;")
CHAINED = SERVER % ("guard_event_log logs/events.json chain=file:%s checkpoints=logs/checkpoints.json;",
                    "guard_event x_request on=all;")
LINE = {
    "@timestamp": "$time_iso8601", "log": {"level": "notice"},
    "event": {"kind": "event", "module": "guard", "dataset": "guard.events", "action": "x_request",
              "category": ["web"], "type": ["info"], "outcome": "unknown", "severity": 5,
              "sequence": "#connection_requests"},
    "source": {"ip": "$remote_addr", "port": "#remote_port"},
    "url": {"path": "$uri", "domain": "$host", "scheme": "$scheme"},
    "http": {"version": "$server_protocol", "request": {"id": "$request_id", "method": "$request_method"},
             "response": {"status_code": "#status"}},
    "user_agent": {"original": "$http_user_agent"},
    "labels": {"kind": "x_request"},
    "observer": {"vendor": "Guard", "product": "Guard", "type": "waf", "version": "0.1.0", "hostname": "$hostname"},
    "process": {"pid": "#pid", "entity_id": "1795491000000-$pid"},
    "ecs": {"version": "9.4.0"},
}
REQUEST = Request("/pixel.gif?token=4711", headers={
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"})


def log_format():
    """LINE as nginx's log_format: of "#name", a number, the quotes are taken away."""
    text = json.dumps(LINE, separators=(",", ":"))
    parts = text.split('"#')
    return parts[0] + "".join("$" + part.replace('"', "", 1) for part in parts[1:])


PEER = SERVER % (f"log_format ecs escape=json '{log_format()}';",
                 "access_log logs/access.json ecs buffer=64k flush=200ms;")


def names(value, path=""):
    """The dotted names of a JSON object's members, but for those of objects."""
    if not isinstance(value, dict):
        return {path}
    return set().union(*(names(member, f"{path}.{name}") for name, member in value.items()))


def line_of(name, text, guard, file):
    server = Nginx(name, text, guard=guard)
    with server:
        ask_well(server, REQUEST)
    lines = (server.folder / "logs" / file).read_text().splitlines()
    found = [json.loads(line) for line in lines if "x_request" in line]
    if len(found) != 1:
        raise BenchError(f"{name} has written {len(found)} lines about one request")
    return found[0]


def measure(options):
    ours = names(line_of("events-look", OURS, True, "events.json"))
    peer = names(line_of("events-peer-look", PEER, False, "access.json"))
    if ours != peer:
        raise BenchError(f"the lines differ: {sorted(ours ^ peer)}")
    rows = in_turn("events", lambda: Nginx("events-ours", OURS, guard=True),
                   lambda: Nginx("events-peer", PEER), "access_log", REQUEST, options, TARGET)
    rows.append(instructions.row("events", OURS, PEER, "access_log", REQUEST, options))
    rows += in_turn("events", lambda: Nginx("events-ours", OURS, guard=True),
                    lambda: Nginx("events-bare", SERVER % ("", "")), "no log", REQUEST, options, "")
    with tempfile.NamedTemporaryFile("w", prefix="guard-chain-") as key:
        key.write("a secret of the benches\n")
        key.flush()
        chained = CHAINED % key.name
        case = "events, chained"
        rows += in_turn(case, lambda: Nginx("events-chained", chained, guard=True),
                        lambda: Nginx("events-peer", PEER), "access_log", REQUEST, options,
                        CHAIN_TARGET)
        rows.append(instructions.row(case, chained, PEER, "access_log", REQUEST, options))
    return rows
