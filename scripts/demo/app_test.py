#!/usr/bin/python3
"""The demo application by itself, without nginx: app_test.py [-v]"""

import io
import os
import re
import tempfile
import unittest

from app import create_app

ANN = {"email": "ann@example.com", "password": "correct horse"}


class Demo(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.app = create_app(self.folder.name)
        self.app.logger.disabled = True
        self.client = self.app.test_client()

    def post(self, path, body, **more):
        return self.client.post("/api/" + path, json=body, **more)

    def sign_in(self):
        self.assertEqual(self.post("auth/register", ANN).status_code, 201)
        answer = self.post("auth/login", ANN)
        self.assertEqual(answer.status_code, 200)
        return answer.json

    def bearer(self, tokens):
        return {"headers": {"Authorization": "Bearer " + tokens["access_token"]}}

    def test_register(self):
        answer = self.post("auth/register", dict(ANN, name="Ann"))
        self.assertEqual(answer.status_code, 201)
        self.assertEqual(answer.json, {"id": 1, "email": ANN["email"], "name": "Ann"})
        self.assertEqual(self.post("auth/register", ANN).status_code, 409)
        self.assertEqual(self.post("auth/register", dict(ANN, password="short")).status_code, 422)
        self.assertEqual(self.post("auth/register", {"email": 1}).status_code, 422)
        self.assertEqual(self.post("auth/register", []).status_code, 400)

    def test_password_is_hashed(self):
        self.sign_in()
        with open(os.path.join(self.folder.name, "demo.sqlite"), "rb") as file:
            self.assertNotIn(ANN["password"].encode(), file.read())

    def test_login(self):
        tokens = self.sign_in()
        self.assertEqual(self.client.get("/api/me").status_code, 401)
        answer = self.client.get("/api/me", **self.bearer(tokens))
        self.assertEqual(answer.json["email"], ANN["email"])
        self.assertEqual(self.post("auth/login", dict(ANN, password="wrong")).status_code, 401)
        self.assertEqual(self.post("auth/login", dict(ANN, email="x@y.z")).status_code, 401)

    def test_refresh_works_once(self):
        tokens = self.sign_in()
        body = {"refresh_token": tokens["refresh_token"]}
        answer = self.post("auth/refresh", body)
        self.assertEqual(answer.status_code, 200)
        self.assertNotEqual(answer.json["access_token"], tokens["access_token"])
        self.assertEqual(self.post("auth/refresh", body).status_code, 401)
        # One kind of token is no other.
        body = {"refresh_token": answer.json["access_token"]}
        self.assertEqual(self.post("auth/refresh", body).status_code, 401)

    def test_reset(self):
        tokens = self.sign_in()
        unknown = self.post("auth/password-reset", {"email": "nobody@example.com"})
        known = self.post("auth/password-reset", {"email": ANN["email"]})
        self.assertEqual((known.status_code, known.data), (202, unknown.data))
        with open(os.path.join(self.folder.name, "outbox.txt"), encoding="utf-8") as file:
            (token,) = re.findall(r"token is (\S+)", file.read())
        body = {"token": token, "password": "battery staple"}
        self.assertEqual(self.post("auth/password-reset/confirm", body).status_code, 204)
        self.assertEqual(self.post("auth/password-reset/confirm", body).status_code, 400)
        self.assertEqual(self.post("auth/login", ANN).status_code, 401)
        self.assertEqual(self.client.get("/api/me", **self.bearer(tokens)).status_code, 401)
        answer = self.post("auth/login", dict(ANN, password="battery staple"))
        self.assertEqual(answer.status_code, 200)

    def test_items(self):
        auth = self.bearer(self.sign_in())
        self.assertEqual(self.post("items", {"title": "x"}).status_code, 401)
        item = self.post("items", {"title": "milk"}, **auth).json
        self.assertEqual(item, {"id": 1, "title": "milk", "done": False})
        changed = self.client.put("/api/items/1", json={"title": "tea", "done": True}, **auth)
        self.assertEqual(changed.json, {"id": 1, "title": "tea", "done": True})
        self.assertEqual(self.client.get("/api/items", **auth).json["items"], [changed.json])
        self.assertEqual(self.client.delete("/api/items/1", **auth).status_code, 204)
        self.assertEqual(self.client.get("/api/items/1", **auth).status_code, 404)

    def test_items_of_others_are_not_found(self):
        self.post("items", {"title": "mine"}, **self.bearer(self.sign_in()))
        bob = {"email": "bob@example.com", "password": "12345678"}
        self.post("auth/register", bob)
        auth = self.bearer(self.post("auth/login", bob).json)
        self.assertEqual(self.client.get("/api/items/1", **auth).status_code, 404)
        self.assertEqual(self.client.delete("/api/items/1", **auth).status_code, 404)

    def test_upload(self):
        auth = self.bearer(self.sign_in())
        data = {"file": (io.BytesIO(b"a" * 100000), "a.txt")}
        answer = self.client.post("/api/upload", data=data, **auth)
        self.assertEqual(answer.status_code, 201)
        self.assertEqual((answer.json["name"], answer.json["size"]), ("a.txt", 100000))
        self.assertEqual(self.client.post("/api/upload", data={}, **auth).status_code, 400)

    def test_pages(self):
        page = self.client.get("/")
        self.assertEqual((page.status_code, page.mimetype), (200, "text/html"))
        self.assertIn(b"Demo application", page.data)
        missing = self.client.get("/nothing")
        self.assertEqual((missing.status_code, missing.mimetype), (404, "text/html"))
        missing = self.client.get("/api/nothing")
        self.assertEqual((missing.status_code, missing.mimetype), (404, "application/json"))
        for path, kind in ("/error", "text/html"), ("/api/error", "application/json"):
            failed = self.client.get(path)
            self.assertEqual((failed.status_code, failed.mimetype), (500, kind))
            self.assertNotIn(b"mistake", failed.data)
        self.assertEqual(self.client.get("/healthz").json, {"status": "pass"})


if __name__ == "__main__":
    unittest.main()
