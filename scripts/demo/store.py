"""What the demo application remembers: users, tokens and items, in one SQLite file."""

import hashlib
import secrets
import sqlite3
import time

from werkzeug.security import check_password_hash, generate_password_hash

ACCESS_SECONDS = 15 * 60
REFRESH_SECONDS = 14 * 24 * 3600
RESET_SECONDS = 30 * 60

SCHEMA = """
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, password TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tokens (
    digest TEXT PRIMARY KEY, kind TEXT NOT NULL, user INTEGER NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS items (
    id INTEGER PRIMARY KEY, user INTEGER NOT NULL, title TEXT NOT NULL, done INTEGER NOT NULL);
"""

# Compared against when nobody has the address, so that the answer takes as long as any other.
NOBODY = generate_password_hash(secrets.token_hex())


def digest_of(token):
    """Tokens are kept as digests: a stolen database opens no session."""
    return hashlib.sha256(token.encode()).hexdigest()


class Store:
    def __init__(self, path):
        self.path = path
        with self.connect() as db:
            db.executescript(SCHEMA)

    def connect(self):
        db = sqlite3.connect(self.path, timeout=5)
        db.row_factory = sqlite3.Row
        return db

    def add_user(self, email, name, password):
        """The new user's id, or None if the address is taken."""
        try:
            with self.connect() as db:
                row = (email, name, generate_password_hash(password))
                query = "INSERT INTO users (email, name, password) VALUES (?, ?, ?)"
                return db.execute(query, row).lastrowid
        except sqlite3.IntegrityError:
            return None

    def user(self, user_id):
        with self.connect() as db:
            query = "SELECT id, email, name FROM users WHERE id = ?"
            return db.execute(query, (user_id,)).fetchone()

    def user_by_email(self, email):
        with self.connect() as db:
            return db.execute("SELECT * FROM users WHERE email = ?", (email,)).fetchone()

    def login(self, email, password):
        """The user's id, or None."""
        user = self.user_by_email(email)
        good = check_password_hash(user["password"] if user else NOBODY, password)
        return user["id"] if user and good else None

    def set_password(self, user_id, password):
        """Also ends every session of the user."""
        with self.connect() as db:
            db.execute("UPDATE users SET password = ? WHERE id = ?",
                       (generate_password_hash(password), user_id))
            db.execute("DELETE FROM tokens WHERE user = ?", (user_id,))

    def new_token(self, kind, user_id, seconds):
        token = secrets.token_urlsafe(32)
        with self.connect() as db:
            db.execute("DELETE FROM tokens WHERE expires < ?", (time.time(),))
            db.execute("INSERT INTO tokens VALUES (?, ?, ?, ?)",
                       (digest_of(token), kind, user_id, time.time() + seconds))
        return token

    def token_user(self, kind, token):
        with self.connect() as db:
            query = "SELECT user FROM tokens WHERE digest = ? AND kind = ? AND expires > ?"
            row = db.execute(query, (digest_of(token), kind, time.time())).fetchone()
        return row["user"] if row else None

    def use_token(self, kind, token):
        """As token_user, for tokens that are good for one use."""
        user_id = self.token_user(kind, token)
        with self.connect() as db:
            query = "DELETE FROM tokens WHERE digest = ? AND kind = ?"
            used = db.execute(query, (digest_of(token), kind)).rowcount
        return user_id if used else None

    def items(self, user_id):
        with self.connect() as db:
            query = "SELECT id, title, done FROM items WHERE user = ? ORDER BY id LIMIT 100"
            return db.execute(query, (user_id,)).fetchall()

    def item(self, user_id, item_id):
        with self.connect() as db:
            query = "SELECT id, title, done FROM items WHERE user = ? AND id = ?"
            return db.execute(query, (user_id, item_id)).fetchone()

    def add_item(self, user_id, title):
        with self.connect() as db:
            query = "INSERT INTO items (user, title, done) VALUES (?, ?, 0)"
            return db.execute(query, (user_id, title)).lastrowid

    def change_item(self, user_id, item_id, title, done):
        with self.connect() as db:
            query = "UPDATE items SET title = ?, done = ? WHERE user = ? AND id = ?"
            return db.execute(query, (title, done, user_id, item_id)).rowcount > 0

    def remove_item(self, user_id, item_id):
        with self.connect() as db:
            query = "DELETE FROM items WHERE user = ? AND id = ?"
            return db.execute(query, (user_id, item_id)).rowcount > 0
