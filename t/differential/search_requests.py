#!/usr/bin/python3
"""Prints what scripts/differential search makes its requests of, each behind a line with its size: the Core Rule Set's
own tests, ordinary requests, and the ordinary values of t/ordinary."""

import sys
from pathlib import Path
from urllib.parse import quote

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "conformance"))

from crs_corpus import stages  # noqa: E402
from ordinary_requests import BROWSER, message, requests  # noqa: E402


def lines(name):
    text = (HERE.parent / "ordinary" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("# ")]


def corpus():
    yield from (stage.request for stage in stages())
    yield from (request for _, request in requests())
    yield from (message("GET", "/?q=" + quote(value), BROWSER) for value in lines("values.txt"))
    yield from (message("GET", "/?" + query, BROWSER) for query in lines("queries.txt"))
    for field in lines("headers.txt"):
        name, value = field.split(": ", 1)
        yield message("GET", "/", {**BROWSER, name: value})


def main():
    for request in corpus():
        sys.stdout.buffer.write(b"%d\n" % len(request) + request)


if __name__ == "__main__":
    main()
