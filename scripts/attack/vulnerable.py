"""A shop that makes the mistakes which injections live on: vulnerable.py STATE SECRET

Something for scripts/attack/sqlmap and scripts/attack/wapiti to break into, and for nothing else: it listens on
127.0.0.1 alone and serves as nobody where root starts it. SECRET is what no request may give away; the address is
written to STATE/address when requests are answered.
"""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from urllib.parse import unquote

import waitress
from flask import Flask, Response, request

COMMAND_SECONDS = 8  # a command that sleeps is stopped after these
NOBODY = 65534

INDEX = """<!doctype html><title>Shop</title>
<a href="/query?id=1">Chair</a> <a href="/greet?name=Anna">Hello</a> <a href="/quoted?text=oak">Search</a>
<a href="/page?name=about.txt">About</a> <a href="/host?name=localhost">Host</a>
<form method="post" action="/form"><input name="name" value="chair"><input type="submit"></form>
<form method="post" action="/greet"><input name="name" value="Anna"><input type="submit"></form>
"""


def fill(state, secret):
    pages = os.path.join(state, "pages")
    os.mkdir(pages)
    with open(os.path.join(pages, "about.txt"), "w", encoding="ascii") as file:
        file.write("We sell furniture.\n")
    with closing(sqlite3.connect(os.path.join(state, "shop.sqlite"))) as shop:
        shop.executescript("CREATE TABLE products (id INTEGER, name TEXT, price INTEGER);"
                           "INSERT INTO products VALUES (1, 'chair', 80), (2, 'oak table', 240), (3, 'lamp', 35);"
                           "CREATE TABLE members (email TEXT, password TEXT);")
        shop.execute("INSERT INTO members VALUES ('owner@example.com', ?)", (secret,))
        shop.commit()


def create_app(state):
    app = Flask(__name__)
    database = f"file:{os.path.join(state, 'shop.sqlite')}?mode=ro"

    def products(condition):
        try:
            with closing(sqlite3.connect(database, uri=True)) as shop:
                rows = shop.execute("SELECT name, price FROM products WHERE " + condition).fetchall()
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            return Response(f"SQLite error: {error}\n", 500, mimetype="text/plain")
        return Response("".join(f"{name}: {price}\n" for name, price in rows) or "nothing\n", mimetype="text/plain")

    # SQL injection, a number and a string, in each place that a value can come from.
    @app.get("/query")
    def query():
        return products("id = " + request.args.get("id", ""))

    @app.post("/form")
    def form():
        return products(f"name = '{request.form.get('name', '')}'")

    @app.post("/json")
    def json():
        return products(f"name = '{(request.get_json() or {}).get('name', '')}'")

    @app.get("/cookie")
    def cookie():
        return products("id = " + unquote(request.cookies.get("product", "")))

    @app.get("/header")
    def header():
        return products("id = " + request.headers.get("X-Product", ""))

    @app.get("/path/<path:product>")
    def path(product):
        return products("id = " + product)

    # Cross-site scripting, between tags and in an attribute.
    @app.route("/greet", methods=["GET", "POST"])
    def greet():
        return f"<!doctype html><title>Hello</title><p>Hello, {request.values.get('name', '')}</p>"

    @app.get("/quoted")
    def quoted():
        return f'<!doctype html><title>Search</title><input name="text" value="{request.args.get("text", "")}">'

    # Inclusion of files.
    @app.get("/page")
    def page():
        try:
            with open(os.path.join(state, "pages", request.args.get("name", "")), "rb") as file:
                return Response(file.read(100_000), mimetype="text/plain")
        except (OSError, ValueError):
            return Response("no such page\n", 404, mimetype="text/plain")

    # Commands.
    @app.get("/host")
    def host():
        command = "echo host " + request.args.get("name", "")
        try:
            with subprocess.Popen(["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, start_new_session=True,
                                  env={"PATH": "/usr/bin:/bin"}) as shell:
                try:
                    answer = shell.communicate(timeout=COMMAND_SECONDS)[0]
                except subprocess.TimeoutExpired:
                    os.killpg(shell.pid, signal.SIGKILL)
                    answer = shell.communicate()[0]
        except ValueError:
            answer = b"no such host\n"
        return Response(answer[:100_000], mimetype="text/plain")

    @app.get("/")
    def index():
        return INDEX

    return app


def main():
    state, secret = sys.argv[1:]
    fill(state, secret)
    server = waitress.create_server(create_app(state), host="127.0.0.1", port=0, threads=8, ident=None)
    with open(os.path.join(state, "address.new"), "w", encoding="ascii") as file:
        file.write(f"127.0.0.1:{server.effective_port}\n")
    os.rename(os.path.join(state, "address.new"), os.path.join(state, "address"))
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server.run()


if __name__ == "__main__":
    main()
