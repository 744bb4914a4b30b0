"""JSON documents of an exact size, like those that applications are sent; within the default limits
of guard_json_limits up to 200 KB and more (10,000 members)."""

import json


def order(size):
    """A JSON object of exactly size bytes: text, numbers, nesting, some letters beyond ASCII."""
    document = {"email": "jane.doe@example.com", "currency": "EUR", "paid": False, "note": None,
                "address": {"street": "Grünstraße 7", "city": "Köln", "zip": "50667"}, "items": []}
    filled = len(encode(document))
    number = 0
    while True:
        number += 1
        item = {"id": number, "name": f"item number {number}", "price": number % 1000 + 0.95,
                "quantity": number % 7 + 1, "tags": ["alpha", "beta"],
                "text": "as ordered before, delivered to the back door if nobody opens",
                "gift": number % 2 == 0}
        filled += len(encode(item)) + 1
        if filled + 40 > size:
            break
        document["items"].append(item)
    document["pad"] = ""
    document["pad"] = "x" * (size - len(encode(document)))
    return encode(document)


def encode(document):
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
