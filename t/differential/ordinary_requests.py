"""Ordinary requests, as browsers and programs send them: the same ones each time."""

import json
import random
from urllib.parse import quote, urlencode

BROWSER = {
    "Host": "shop.example.com",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:115.0) Gecko/20100101 Firefox/115.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.9,de;q=0.7",
    "Accept-Encoding": "gzip, deflate, br",
    "Referer": "https://shop.example.com/catalogue/lamps?sort=price&page=2",
    "Cookie": "session=6f1d2c3b4a5968778695a4b3c2d1e0f1; theme=dark; consent=necessary; _ga=GA1.2.1716.1699",
}
PROGRAM = {"Host": "api.example.com", "User-Agent": "inventory/2.1", "Accept": "application/json"}
WORDS = ("order select table union street O'Brien Müller Søren 東京 Привет мир résumé a+b=c 50% off C:\\temp ../up "
         "https://example.org/?q=1 info@example.com +49 170 1234567 2026-11-28T10:00:00Z <3 {x} [1] $5 #tag "
         "drop by and group having lunch; thanks -- see you & me").split(" ")
FILE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


def message(method, target, fields, body=b""):
    fields = dict(fields)
    if body:
        fields["Content-Length"] = str(len(body))
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return head.encode() + b"\r\n" + body


def multipart(fields, file):
    lines = b""
    for name, value in fields.items():
        lines += f'--b0undary\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
    lines += (b'--b0undary\r\nContent-Disposition: form-data; name="photo"; filename="beach.png"\r\n'
              b"Content-Type: image/png\r\n\r\n" + file + b"\r\n--b0undary--\r\n")
    return lines


def requests(count=600, seed=1):
    """Pairs of a title and the bytes."""
    draw = random.Random(seed)

    def text(most):
        return " ".join(draw.choice(WORDS) for _ in range(draw.randint(1, most)))

    def value():
        return draw.choice([text(6), draw.randint(-5, 10**6), True, None, draw.random(), [text(2), 3], {"city": text(2)}])

    for number in range(count):
        kind = number % 6
        title = f"ordinary-{('page', 'form', 'json', 'multipart', 'xml', 'cookies')[kind]}-{number}"
        pairs = {draw.choice(["q", "name", "page", "sort", "filter[tag]", "utm_source", "id"]): text(5)
                 for _ in range(draw.randint(1, 5))}
        if kind == 0:
            yield title, message("GET", f"/{quote(text(2))}?{urlencode(pairs)}", BROWSER)
        elif kind == 1:
            yield title, message("POST", "/contact", {**BROWSER, "Content-Type": "application/x-www-form-urlencoded"},
                                 urlencode({**pairs, "message": text(30)}).encode())
        elif kind == 2:
            document = {name: value() for name in ("sku", "title", "price", "tags", "address", "note")}
            yield title, message("POST", "/orders", {**PROGRAM, "Content-Type": "application/json"},
                                 json.dumps(document, ensure_ascii=draw.random() < 0.5).encode())
        elif kind == 3:
            yield title, message("POST", "/photos", {**BROWSER, "Content-Type": "multipart/form-data; boundary=b0undary"},
                                 multipart(pairs, FILE))
        elif kind == 4:
            note = text(8).replace("&", "&amp;").replace("<", "&lt;")
            yield title, message("PUT", "/feed", {**PROGRAM, "Content-Type": "application/xml"},
                                 f'<?xml version="1.0"?><feed lang="en"><entry id="{number}">{note}</entry></feed>'.encode())
        else:
            cookies = "; ".join(f"{name}={quote(text(2))}" for name in ("cart", "seen"))
            yield title, message("GET", f"/items/{draw.randint(1, 9999)}?token={draw.randbytes(18).hex()}",
                                 {**BROWSER, "Cookie": cookies, "Sec-Fetch-Mode": "navigate"})
