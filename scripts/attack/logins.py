"""What the attacks on logins have in common: one login after the other over each of some connections, and
what is said of it. Not a program.
"""

import argparse
import asyncio
import collections
import json
import time

WAIT = 60  # seconds


def parser_for(text):
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--path", default="/api/auth/login")
    parser.add_argument("--from", dest="source", default="127.0.0.2", help="the attacker's address")
    parser.add_argument("--owner-from", default="127.0.0.3", help="the owner's address")
    parser.add_argument("--owner", default="owner@example.com")
    parser.add_argument("--owner-password", required=True, help="with which the owner signs in afterwards")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("servers", nargs="+", type=server_of, metavar="ADDRESS:PORT")
    return parser


def server_of(text):
    address, _, port = text.rpartition(":")
    return address, int(port)


async def login(words, server, source, email, password):
    """What a login is answered: a status, or "none"."""
    body = json.dumps({"email": email, "password": password}).encode()
    head = (f"POST {words.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n")
    try:
        reader, writer = await asyncio.open_connection(*server, local_addr=(source, 0))
        writer.write(head.encode() + body)
        line = await asyncio.wait_for(reader.readline(), WAIT)
        await asyncio.wait_for(reader.read(), WAIT)
        writer.close()
        return line.split()[1].decode()
    except (OSError, IndexError, asyncio.TimeoutError):
        return "none"


async def attack(words, guesses):
    """guesses: pairs of account and password. Over as many connections as are wanted, each of which takes the
    next of them, through the servers in turn."""
    begun = time.monotonic()
    answers, locked, found = collections.Counter(), None, []
    queue = collections.deque(enumerate(guesses))

    async def work():
        nonlocal locked
        while queue:
            number, (email, password) = queue.popleft()
            server = words.servers[number % len(words.servers)]
            status = await login(words, server, words.source, email, password)
            answers[status] += 1
            if status == "429" and locked is None:
                locked = time.monotonic() - begun
            if status.startswith("2"):
                found.append(email)

    await asyncio.gather(*(work() for _ in range(words.connections)))
    owner = [await login(words, server, words.owner_from, words.owner, words.owner_password)
             for server in words.servers]
    return {
        "guesses": sum(answers.values()),
        "got_through": sum(count for status, count in answers.items() if status not in ("429", "none")),
        "answers": dict(sorted(answers.items())),
        "seconds_to_lock": None if locked is None else round(locked, 3),
        "broken_into": sorted(set(found)),
        "owner": owner,
    }


def run(words, guesses):
    print(json.dumps(asyncio.run(attack(words, guesses))))
