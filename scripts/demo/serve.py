#!/usr/bin/python3
"""Serves the demo application: serve.py STATE [--host ADDRESS] [--port PORT]

STATE is an existing folder; the address that is listened on (a free port where none is named) is
written to STATE/address when requests are answered.
"""

import argparse
import logging
import os
import signal
import sys

import waitress

from app import create_app


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("state")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    words = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        server = waitress.create_server(
            create_app(words.state), host=words.host, port=words.port, threads=8, ident=None,
            trusted_proxy="*" if words.host != "127.0.0.1" else "127.0.0.1",
            trusted_proxy_headers={"x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"},
            clear_untrusted_proxy_headers=True)
    except OSError as error:
        sys.exit(f"demo: cannot listen on {words.host}:{words.port}: {error.strerror}")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    address = os.path.join(words.state, "address")
    with open(address + ".new", "w", encoding="ascii") as file:
        file.write(f"{server.effective_host}:{server.effective_port}\n")
    os.rename(address + ".new", address)
    server.run()


if __name__ == "__main__":
    main()
