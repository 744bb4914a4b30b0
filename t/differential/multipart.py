#!/usr/bin/env python3
"""Guard's parser of multipart forms beside those of applications: multipart.py GUARD BUSBOY-FOLDER [FORMS [SEED]].

The forms of CASES and ODD, each of which Guard refuses, and those of LOOSE, and what each parser makes of them, as the tables of docs/multipart.md;
then random changes of good forms: where Guard takes one, all the others must see the same parts in it."""
import io
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from werkzeug.formparser import parse_form_data

HERE = os.path.dirname(os.path.abspath(__file__))
TYPE = "multipart/form-data; boundary=b"


class Lines:
    """A program that answers line by line."""

    def __init__(self, *command):
        self.program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def __call__(self, kind, body):
        self.program.stdin.write(f"{kind.encode('latin1').hex()} {body.hex()}\n")
        self.program.stdin.flush()
        return self.program.stdout.readline().strip()


class Php:
    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.program = subprocess.Popen(
            ["php", "-d", "display_errors=0", "-d", "log_errors=0", "-d", "max_file_uploads=1000", "-S", f"127.0.0.1:{self.port}", f"{HERE}/multipart_php.php"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("php does not start")

    def __call__(self, kind, body):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/", data=body, headers={"Content-Type": kind}, method="POST")
        try:
            return urllib.request.urlopen(request, timeout=20).read().decode()
        except (urllib.error.URLError, OSError):
            return "fault"


def werkzeug(kind, body):
    environ = {"REQUEST_METHOD": "POST", "CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
    try:
        _, form, files = parse_form_data(environ, silent=False)
    except Exception:
        return "fault"
    said = "".join(f"{name.encode().hex()},-,{value.encode().hex()};" for name, value in form.items(multi=True))
    for name, file in files.items(multi=True):
        said += f"{(name or '').encode().hex()},{(file.filename or '').encode().hex()},{file.read().hex()};"
    return said


def django():
    """Nothing where it is not installed."""
    try:
        from django.conf import settings
        from django.core.files.uploadhandler import MemoryFileUploadHandler
        from django.http.multipartparser import MultiPartParser
    except ImportError:
        return None
    settings.configure()

    def ask(kind, body):
        handler = MemoryFileUploadHandler()
        handler.activated = True
        handler.chunk_size = 1 << 16
        meta = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": len(body)}
        handler.handle_raw_input = lambda *_: None
        try:
            fields, files = MultiPartParser(meta, io.BytesIO(body), [handler]).parse()
        except Exception:
            return "fault"
        said = "".join(f"{name.encode().hex()},-,{value.encode().hex()};" for name, values in fields.lists() for value in values)
        for name, values in files.lists():
            for file in values:
                said += f"{name.encode().hex()},{file.name.encode().hex()},{file.read().hex()};"
        return said

    return ask


def part(disposition, content="x", more=""):
    return f"--b\r\nContent-Disposition: {disposition}\r\n{more}\r\n{content}\r\n"


def form(*parts):
    return ("".join(parts) + "--b--\r\n").encode("latin1")


FIELD = 'form-data; name="f"'
FILE = FIELD + '; filename="a.txt"'
# name, Content-Type, body
CASES = [
    ("media_type: multipart/mixed", "multipart/mixed; boundary=b", form(part(FILE))),
    ("boundary: two", "multipart/form-data; boundary=x; boundary=b", form(part(FILE))),
    ("boundary: in another parameter's name", "multipart/form-data; xboundary=x; boundary=b", form(part(FILE)).replace(b"--b", b"--x")),
    ("boundary: ends at a comma", "multipart/form-data; boundary=b,x", form(part(FILE))),
    ("preamble", TYPE, b"some text\r\n" + form(part(FILE))),
    ("preamble: a part without its delimiter", TYPE, b"\r\n" + form(part(FILE))),
    ("epilogue: a part", TYPE, form(part(FIELD, "1")) + form(part(FILE))),
    ("delimiter: LF only before it", TYPE, form(part(FIELD, "x\n--b\r\nContent-Disposition: " + FILE + "\r\n\r\ny"))),
    ("delimiter: LF only behind it", TYPE, form(part(FIELD, "1")).replace(b"--b\r\n", b"--b\n", 1)),
    ("delimiter: more behind it", TYPE, form(part(FIELD, "x\r\n--bc\r\nContent-Disposition: " + FILE + "\r\n\r\ny"))),
    ("delimiter: white space behind it", TYPE, form(part(FIELD, "x\r\n--b \r\nContent-Disposition: " + FILE + "\r\n\r\ny"))),
    ("truncated: no closing delimiter", TYPE, form(part(FILE))[:-7]),
    ("truncated: in the content", TYPE, form(part(FIELD, "1"), part(FILE, "xy"))[:-12]),
    ("header_syntax: LF as end of line", TYPE, form(part(FILE)).replace(b"\r\n\r\n", b"\n\n", 1)),
    ("header_syntax: space before the colon", TYPE, form(part(FILE)).replace(b"tion:", b"tion :", 1)),
    ("header_syntax: NUL in a name", TYPE, form(part('form-data; name="f"; filename="a.php\0.txt"'))),
    ("header_folded", TYPE, form(part('form-data; name="f"\r\n ; filename="a.txt"'))),
    ("header_unknown", TYPE, form(part(FILE, more="X-Name: g\r\n"))),
    ("header_duplicate: disposition", TYPE, form(part(FIELD, more="Content-Disposition: form-data; name=\"g\"; filename=\"a.txt\"\r\n"))),
    ("disposition: attachment", TYPE, form(part('attachment; name="f"; filename="a.txt"'))),
    ("name: none", TYPE, form(part('form-data; filename="a.txt"'))),
    ("name: empty", TYPE, form(part('form-data; name=""; filename="a.txt"'))),
    ("parameter: filename twice", TYPE, form(part('form-data; name="f"; filename="a.txt"; filename="b.php"'))),
    ("parameter: name twice", TYPE, form(part('form-data; name="f"; name="g"'))),
    ("parameter: in capitals", TYPE, form(part('form-data; name="f"; FILENAME="a.txt"'))),
    ("parameter: space before =", TYPE, form(part('form-data; name="f"; filename ="a.txt"'))),
    ("parameter: single quotes", TYPE, form(part("form-data; name='f'; filename='a;b.txt'"))),
    ("parameter: no closing quote", TYPE, form(part('form-data; name="f"; filename="a.txt'))),
    ("parameter: a single quote in a value without quotes", TYPE, form(part("form-data; name=f'; filename=a.txt"))),
    ("parameter: a filename in a name", TYPE, form(part('form-data; name="f filename=a.txt; g"', more="Content-Type: text/plain\r\n"))),
    ("parameter: white space at the end of a name", TYPE, form(part('form-data; name="f "; filename="a.php "'))),
    ("parameter: white space at the beginning of a name", TYPE, form(part('form-data; name=" f"'))),
    ("extended: filename* alone", TYPE, form(part("form-data; name=\"f\"; filename*=utf-8''a.txt"))),
    ("extended: filename* beside filename", TYPE, form(part("form-data; name=\"f\"; filename=\"a.txt\"; filename*=utf-8''b.php"))),
    ("extended: name*", TYPE, form(part("form-data; name=\"f\"; name*=utf-8''g"))),
    ("extended: filename*0", TYPE, form(part('form-data; name="f"; filename*0="a."; filename*1="php"'))),
    ("quoting: backslash before a quote", TYPE, form(part('form-data; name="f"; filename="a\\"; filename=\\"b.php"'))),
    ("quoting: backslash", TYPE, form(part('form-data; name="f"; filename="x\\a.txt"'))),
    ("encoding: Latin-1", TYPE, form(part('form-data; name="f"; filename="\xe9.txt"'))),
    ("encoded_word", TYPE, form(part('form-data; name="f"; filename="=?utf-8?B?Yi5waHA=?="'))),
    ("nested", TYPE, form(part(FIELD, '--c\r\nContent-Disposition: file; filename="a.txt"\r\n\r\nx\r\n--c--', more="Content-Type: multipart/mixed; boundary=c\r\n"))),
    ("transfer_encoding: base64", TYPE, form(part(FILE, "eHl6", more="Content-Transfer-Encoding: base64\r\n"))),
    ("length: less than there is", TYPE, form(part(FILE, "xyz", more="Content-Length: 1\r\n"))),
    ("ambiguous: octet-stream without filename", TYPE, form(part(FIELD, more="Content-Type: application/octet-stream\r\n"))),
]
TEXT = "Content-Type: text/plain\r\n"
# What these read otherwise, and Guard refuses.
ODD = [
    ("parameter: no space behind a filename", form(part('form-data; filename="a.txt";name="b.php"', "x", TEXT))),
    ("parameter: white space at the end of the field", form(part(FILE + " ", "x", TEXT))),
    ("parameter: an extended filename in a name", form(part("form-data; name=\"f filename*=utf-8''a.txt; g\""))),
]
# What Guard takes, though these see other parts in it.
LOOSE = [
    ("no filename in it", form(part('form-data; name="f"; filename=""', "x", TEXT))),
    ("a filename, no Content-Type", form(part(FILE))),
    ("a Content-Type, no filename", form(part(FIELD, "x", TEXT))),
    ("references to characters in a filename", form(part('form-data; name="f"; filename="a&#0046;txt"', "x", TEXT))),
]

GOOD = [
    form(part(FIELD, "hello"), part('form-data; name="g"; filename="a.txt"', "some\r\ntext", "Content-Type: text/plain\r\n")),
    form(part('form-data; name="caf\xc3\xa9"', "caf\xc3\xa9"), part('form-data; name="h"; filename="r\xc3\xa9.png"', "\x89PNG\r\n\x1a\n", "Content-Type: image/png\r\n")),
    form(part("form-data; name=f; filename=a.txt", "x", "Content-Type: text/plain\r\n"), part('form-data; name="g"', "\r\n-\r\n--")),
]
# Not brackets, of which PHP makes arrays, and nothing at all of a file whose name is half of one.
SNIPPETS = [b"\r\n", b"\n", b"\r", b"--b", b"\r\n--b\r\n", b"--b--", b"-", b" ", b"\t", b'"', b";", b"=", b"\\", b"'", b"*", b":", b"\0", b"%22", b"filename", b"name", b'; filename="x.php"',
            b"Content-Disposition: ", b"Content-Type: text/plain\r\n", b"\xc3\xa9", b"\xe9", b"=?utf-8?B?eA==?=", b",", b"."]


def change(good, dice):
    body = bytearray(good)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        at = dice.randrange(len(body) + 1)
        way = dice.random()
        if way < 0.5:
            body[at:at] = dice.choice(SNIPPETS)
        elif way < 0.75:
            body[at:at + dice.choice((1, 1, 2, 4))] = b""
        else:
            body[at:at + 1] = dice.choice(SNIPPETS)
    return bytes(body)


def shown(answer):
    """What an application sees: "f", "f=a.txt" (a file) and how many bytes."""
    if answer.startswith("fault"):
        return "refused"
    if not answer:
        return "nothing"
    said = []
    for one in answer.split(";")[:-1]:
        name, filename, content = one.split(",")
        text = bytes.fromhex(name).decode(errors="replace")
        kind = "" if filename == "-" else " file `" + bytes.fromhex(filename).decode(errors="replace").replace("\0", "␀") + "`"
        said.append(f"{'`' + text + '`' if text else 'without a name'}{kind} ({len(content) // 2})")
    return ", ".join(said)


def text(digits):
    return bytes.fromhex(digits).decode(errors="replace")


def alike(answer, php):
    """The parts in any order. Bytes of fields that are not UTF-8 become U+FFFD for some. PHP has the last of a name, makes "_" of some signs in names, arrays of what has
    brackets."""
    parts = []
    for one in answer.split(";")[:-1]:
        name, filename, content = one.split(",")
        name = text(name)
        if php:
            name = re.sub(r"[][. ]", "_", name)
        parts.append((name, filename, text(content) if filename == "-" else content))
    return sorted({(name, filename == "-"): (name, filename, content) for name, filename, content in parts}.values() if php else parts)


def main():
    guard = Lines(sys.argv[1])
    others = {"busboy": Lines("node", f"{HERE}/multipart_busboy.mjs", sys.argv[2]), "werkzeug": werkzeug, "PHP": Php()}
    jars = ":".join(f"/usr/share/java/{name}.jar" for name in ("commons-fileupload", "commons-io", "servlet-api"))
    folder = tempfile.mkdtemp()
    if shutil.which("javac"):
        subprocess.run(["javac", "-cp", jars, "-d", folder, f"{HERE}/MultipartJava.java"], check=True)
        others["commons-fileupload"] = Lines("java", "-cp", f"{jars}:{folder}", "MultipartJava")
    elif shutil.which("java"):
        others["commons-fileupload"] = Lines("java", "-cp", jars, f"{HERE}/MultipartJava.java")
    print("| form | Guard | " + " | ".join(others) + " |\n|" + " --- |" * (len(others) + 2))
    bad = 0
    for name, kind, body in CASES:
        fault = guard(kind, body)
        print(f"| {name} | `{fault.removeprefix('fault ')}` | " + " | ".join(shown(ask(kind, body)) for ask in others.values()) + " |")
        bad += not fault.startswith("fault")
    loose = {name: Lines("node", f"{HERE}/multipart_node.mjs", sys.argv[2], name) for name in ("formidable", "multiparty")}
    print("\n| form | Guard | " + " | ".join(loose) + " |\n|" + " --- |" * (len(loose) + 2))
    for name, body in ODD:
        fault = guard(TYPE, body)
        print(f"| {name} | `{fault.removeprefix('fault ')}` | " + " | ".join(shown(ask(TYPE, body)) for ask in loose.values()) + " |")
        bad += not fault.startswith("fault")
    if ask := django():
        loose["Django"] = ask
    print("\n| form | Guard | " + " | ".join(loose) + " |\n|" + " --- |" * (len(loose) + 2))
    for name, body in LOOSE:
        print(f"| {name} | " + " | ".join(shown(ask(TYPE, body)) for ask in (guard, *loose.values())) + " |")
    forms = int(sys.argv[3]) if len(sys.argv) > 3 else 3000
    dice = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    taken = 0
    for i in range(forms):
        body = GOOD[i % len(GOOD)] if i < len(GOOD) else change(dice.choice(GOOD), dice)
        mine = guard(TYPE, body)
        if mine.startswith("fault"):
            continue
        taken += 1
        for name, ask in others.items():
            theirs = ask(TYPE, body)
            if theirs.startswith("fault") or alike(mine, name == "PHP") != alike(theirs, name == "PHP"):
                bad += 1
                print(f"differs: {body!r}\n  Guard {shown(mine)}\n  {name} {shown(theirs)}")
    print(f"{forms} forms, of which Guard takes {taken}; {bad} that differ")
    for ask in (*others.values(), *loose.values()):
        if hasattr(ask, "program"):
            ask.program.kill()
    shutil.rmtree(folder)
    return 1 if bad else 0


sys.exit(main())
