"""What the clean room asks of the gateway in it. Run by the room's own Python, from its standard input:

    python - WHAT [ARGUMENT ...] <ask.py        exit status 0: it is so
"""

from __future__ import annotations

import base64
import http.cookiejar
import json
import re
import socket
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path

PAGE, AUTHORITY = "https://127.0.0.1:8080", "/etc/davylamp/tls/ca.crt"
TRIES, PAUSE_S = 240, 0.5
FORM = "application/x-www-form-urlencoded"


class Browser:
    """Keeps cookies, and trusts the site's authority alone."""

    def __init__(self) -> None:
        trusted = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=AUTHORITY))
        kept = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(trusted, kept)

    def get(self, path: str) -> bytes:
        return self._opener.open(f"{PAGE}{path}", timeout=5).read()

    def post(self, path: str, body: bytes, kind: str = "application/json") -> bytes:
        headers = {"Content-Type": kind, "Origin": PAGE}
        return self._opener.open(urllib.request.Request(f"{PAGE}{path}", body, headers), timeout=60).read()

    def log_in(self, account: str, password: str) -> None:
        self.post("/login", urllib.parse.urlencode({"account": account, "password": password}).encode(), FORM)


def until(true: Callable[[], bool]) -> bool:
    for _ in range(TRIES):
        try:
            if true():
                return True
        except OSError:
            pass
        time.sleep(PAUSE_S)
    return False


def serves() -> bool:
    browser = Browser()
    return until(lambda: json.loads(browser.get("/healthz"))["working"] and b"<html" in browser.get("/"))


def measures() -> bool:
    """Figures are open to programs on the machine itself."""
    browser = Browser()
    return until(lambda: float(re.search(rb"^davylamp_signals_good (\S+)", browser.get("/metrics"), re.M)[1]) >= 20)


def asks_who() -> bool:
    try:
        Browser().get("/api/v1/signals")
    except urllib.error.HTTPError as refused:
        return refused.code == 401
    return False


def logs_in(account: str, password: str) -> bool:
    browser = Browser()
    browser.log_in(account, password)
    return json.loads(browser.get("/api/v1/session"))["account"] == account


def applies(account: str, password: str, site: str, why: str) -> bool:
    """Through the API, as a person who has logged in; until it is in force or taken back."""
    browser, file = Browser(), Path(site)
    browser.log_in(account, password)
    beside = {path.name: base64.b64encode(path.read_bytes()).decode() for path in file.parent.glob("*.csv")}
    wanted = {"site": base64.b64encode(file.read_bytes()).decode(), "others": beside, "name": account, "why": why}
    try:
        applied = json.loads(browser.post("/api/v1/configuration", json.dumps(wanted).encode()))["applied"]
    except urllib.error.HTTPError as refused:
        print(f"          {refused.code} {json.load(refused)['error']['what']['en']}")
        return False
    entry = {}

    def settled() -> bool:
        entries = json.loads(browser.get("/api/v1/configuration"))["entries"]
        entry.update(next(one for one in entries if one["number"] == applied["number"]))
        return entry["outcome"] in ("in force", "taken back")
    until(settled)
    print(f"          {entry['number']}: {entry['outcome']}, by {entry['who']}")
    return entry["outcome"] == "in force"


def connects(name: str, password: str) -> bool:
    """A device elsewhere on the network: MQTT 3.1.1 by TLS, with what it was once given."""
    def field(text: str) -> bytes:
        return len(text).to_bytes(2) + text.encode()
    rest = field("MQTT") + b"\x04\xc2\x00\x3c" + field(f"{name}-1") + field(name) + field(password)
    trusted = ssl.create_default_context(cafile="/root/ca-of-the-device.crt")
    with (socket.create_connection(("127.0.0.1", 8883), 10) as plain,
          trusted.wrap_socket(plain, server_hostname="localhost") as line):
        line.sendall(b"\x10" + bytes([len(rest)]) + rest)
        return line.recv(4) == b"\x20\x02\x00\x00"


if __name__ == "__main__":
    sys.exit(not globals()[sys.argv[1]](*sys.argv[2:]))
