"""The demo application: a small web service as many are, which knows nothing of Guard."""

import functools
import hashlib
import os
import sqlite3
import time

from flask import Flask, abort, g, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from store import ACCESS_SECONDS, REFRESH_SECONDS, RESET_SECONDS, Store


def create_app(state):
    """state: a folder of its own, which exists and may be written."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = 32 * 1024 * 1024
    store = Store(os.path.join(state, "demo.sqlite"))
    outbox = os.path.join(state, "outbox.txt")

    def fields(**wanted):
        """The named members of the JSON body, each of the type that is asked for."""
        body = request.get_json()
        if not isinstance(body, dict):
            abort(400, "an object is expected")
        values = []
        for name, kind in wanted.items():
            value = body.get(name)
            if not isinstance(value, kind) or value == "":
                abort(422, f"{name} is missing or of the wrong type")
            values.append(value)
        return values

    def new_password(password):
        if len(password) < 8:
            abort(422, "a password has at least 8 characters")
        return password

    def tokens_for(user_id):
        return jsonify(
            token_type="Bearer",
            access_token=store.new_token("access", user_id, ACCESS_SECONDS),
            refresh_token=store.new_token("refresh", user_id, REFRESH_SECONDS),
            expires_in=ACCESS_SECONDS,
        )

    def signed_in(view):
        @functools.wraps(view)
        def wrapper(*args, **kwargs):
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            user_id = store.token_user("access", token) if scheme == "Bearer" else None
            if user_id is None:
                abort(401, "sign in first")
            g.user = user_id
            return view(*args, **kwargs)
        return wrapper

    def shown(item):
        return {"id": item["id"], "title": item["title"], "done": bool(item["done"])}

    def send(email, text):
        """An application in production would send mail."""
        with open(outbox, "a", encoding="utf-8") as file:
            file.write(f"{time.strftime('%F %T')} to {email}: {text}\n")

    @app.context_processor
    def nonce():
        """Of the Content-Security-Policy, where whoever stands in front sends one."""
        return {"nonce": request.headers.get("X-CSP-Nonce", "")}

    @app.get("/")
    def index():
        return render_template("index.html", secure=request.is_secure)

    @app.get("/healthz")
    def health():
        return jsonify(status="pass")

    @app.get("/error")
    @app.get("/api/error")
    def error():
        raise RuntimeError("a mistake of the application, as they happen")

    @app.post("/api/auth/register")
    def register():
        email, password = fields(email=str, password=str)
        if "@" not in email or len(email) > 254:
            abort(422, "email is not an address")
        name = str(request.get_json().get("name", ""))[:100]
        user_id = store.add_user(email, name, new_password(password))
        if user_id is None:
            abort(409, "the address is registered already")
        return jsonify(id=user_id, email=email, name=name), 201

    @app.post("/api/auth/login")
    def login():
        email, password = fields(email=str, password=str)
        user_id = store.login(email, password)
        if user_id is None:
            abort(401, "address or password is wrong")
        return tokens_for(user_id)

    @app.post("/api/auth/refresh")
    def refresh():
        (token,) = fields(refresh_token=str)
        user_id = store.use_token("refresh", token)
        if user_id is None:
            abort(401, "the refresh token is used, expired or unknown")
        return tokens_for(user_id)

    @app.post("/api/auth/password-reset")
    def reset():
        (email,) = fields(email=str)
        user = store.user_by_email(email)
        if user:
            send(email, "your token is " + store.new_token("reset", user["id"], RESET_SECONDS))
        # The same answer for all: who is registered here is nobody's business.
        return jsonify(detail="if the address is registered, a mail is on its way"), 202

    @app.post("/api/auth/password-reset/confirm")
    def confirm():
        token, password = fields(token=str, password=str)
        password = new_password(password)
        user_id = store.use_token("reset", token)
        if user_id is None:
            abort(400, "the token is used, expired or unknown")
        store.set_password(user_id, password)
        return "", 204

    @app.get("/api/me")
    @signed_in
    def me():
        return jsonify(dict(store.user(g.user)))

    @app.get("/api/items")
    @signed_in
    def list_items():
        return jsonify(items=[shown(item) for item in store.items(g.user)])

    @app.post("/api/items")
    @signed_in
    def add_item():
        (title,) = fields(title=str)
        item_id = store.add_item(g.user, title)
        return jsonify(shown(store.item(g.user, item_id))), 201

    @app.get("/api/items/<int:item_id>")
    @signed_in
    def get_item(item_id):
        return jsonify(shown(store.item(g.user, item_id) or abort(404)))

    @app.put("/api/items/<int:item_id>")
    @signed_in
    def put_item(item_id):
        title, done = fields(title=str, done=bool)
        if not store.change_item(g.user, item_id, title, done):
            abort(404)
        return jsonify(shown(store.item(g.user, item_id)))

    @app.delete("/api/items/<int:item_id>")
    @signed_in
    def delete_item(item_id):
        if not store.remove_item(g.user, item_id):
            abort(404)
        return "", 204

    @app.post("/api/upload")
    @signed_in
    def upload():
        file = request.files.get("file") or abort(400, "a part named file is expected")
        digest, size = hashlib.sha256(), 0
        while chunk := file.stream.read(65536):
            digest.update(chunk)
            size += len(chunk)
        return jsonify(name=file.filename, size=size, sha256=digest.hexdigest()), 201

    @app.errorhandler(HTTPException)
    def refused(error):
        return answer(error.code, error.name, error.description)

    @app.errorhandler(sqlite3.OperationalError)
    def busy(_):
        return answer(503, "Service Unavailable", "the database is busy")

    def answer(status, name, detail):
        if request.path.startswith("/api/"):
            return jsonify(status=status, title=name, detail=detail), status
        return render_template("error.html", status=status, name=name, detail=detail), status

    return app
