"""The Core Rule Set's regression tests (t/crs-3.3) as bytes to send and what is expected of them."""

import base64
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote_plus

import yaml

TESTS = Path(__file__).resolve().parents[1] / "crs-3.3"
FORM = "application/x-www-form-urlencoded"

# What the tests suppose to stand in crs-setup.conf, but for the paranoia level.
SETUP = r"""SecAction "id:900000,phase:1,nolog,pass,t:none,setvar:tx.paranoia_level=%d,setvar:tx.crs_validate_utf8_encoding=1,\
  setvar:tx.enforce_bodyproc_urlencoded=1,setvar:tx.arg_name_length=100,setvar:tx.arg_length=400,\
  setvar:tx.total_arg_length=64000,setvar:tx.max_num_args=255,setvar:tx.max_file_size=64100,\
  setvar:tx.combined_file_sizes=65535%s"
"""


@dataclass
class Stage:
    """One request of a test. wanted and unwanted are ids of rules; statuses: none, any will do."""

    title: str
    request: bytes
    wanted: int = 0
    unwanted: int = 0
    statuses: set = field(default_factory=set)
    refused: bool = False  # no answer of the application is expected, whatever else comes


def encode_form(text):
    """The tests' own client encodes a form that is not encoded yet, and drops what is no pair."""
    if "%" in text or "+" in text:
        return text
    pairs = [pair.split("=", 1) for pair in text.split("&") if "=" in pair]
    return "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs) or text


def request_of(given):
    """The bytes that the tests' own client sends."""
    if "encoded_request" in given:
        return base64.b64decode(given["encoded_request"])
    if "raw_request" in given:
        return given["raw_request"].encode()
    data = given.get("data", "")
    if isinstance(data, list):
        data = "\r\n".join(data)
    magic = given.get("stop_magic", "").lower() != "true"
    fields = dict(given.get("headers", {}))
    names = {name.lower(): name for name in fields}
    if data and magic:
        if "content-type" not in names:
            fields["Content-Type"] = FORM
            names["content-type"] = "Content-Type"
        kind = fields[names["content-type"]]
        if kind.startswith("multipart/"):
            data = re.sub(r"(?<!\r)\n", "\r\n", data)
        elif kind == FORM:
            data = encode_form(data)
    body = data.encode()
    if body and magic and "content-length" not in names:
        fields["Content-Length"] = str(len(body))
    head = f"{given.get('method', 'GET')} {given.get('uri', '/')} {given.get('version', 'HTTP/1.1')}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return head.encode() + b"\r\n" + body


def rule_in(text):
    return int(re.sub(r"\D", "", text) or 0)


def stages(filter_text=""):
    for path in sorted(TESTS.glob("REQUEST-*/*.yaml")):
        # All values are text, as they stand there.
        with path.open(encoding="utf-8") as file:
            tests = yaml.load(file, yaml.CBaseLoader)["tests"]
        for test in tests:
            title = test["test_title"]
            if filter_text not in title:
                continue
            for entry in test["stages"]:
                given, expected = entry["stage"]["input"], entry["stage"]["output"]
                statuses = expected.get("status", [])
                if isinstance(statuses, str):
                    statuses = [statuses]
                yield Stage(title, request_of(given), rule_in(expected.get("log_contains", "")),
                            rule_in(expected.get("no_log_contains", "")), {int(status) for status in statuses},
                            expected.get("expect_error", "").lower() == "true")
