"""Site rows and hourly figures of a whole region, as its gateways would write them: made fast, because there are
millions. All rows of one minute share their stamp, and a site's row is made anew only when its state changes."""

from __future__ import annotations

import http.client
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

LINES = 20_000  # about, in one request
SIGNALS, DEVICES = 40, 8


def state(rng: random.Random, number: int) -> bytes:
    """One site's row, without its stamp. One site in a hundred has a red alarm, one in fifty lost a device."""
    red, orange, yellow, blue = (int(rng.random() < share) for share in (0.01, 0.03, 0.10, 0.20))
    risk = 4 if red else 3 if orange else 2 if yellow else 1 if blue else 0
    online = DEVICES - (rng.random() < 0.02)
    return (
        f'site,site=site-{number:04} blue={blue}i,contact="Duty desk 010-5555-{number:04}",devices={DEVICES}i,'
        f"devices_online={online}i,gas={1 + (online == DEVICES)}i,latitude={30 + number % 40 * 0.1:.1f},"
        f'load={number % 3}i,longitude={110 + number // 40 * 0.2:.1f},name_en="Site {number}",'
        f'name_zh="{number} 号站",online_ratio={online / DEVICES},orange={orange}i,people={number % 5}i,red={red}i,'
        f"risk={risk}i,shutoff=2i,signals={SIGNALS}i,signals_online={SIGNALS * online // DEVICES}i,"
        f"unacknowledged={red + orange}i,video=2i,yellow={yellow}i "
    ).encode()


def minutes(sites: int, start: int, end: int, seed: int = 6) -> Iterator[bytes]:
    """Line protocol of all sites, one piece per minute from start to end (s). One site in fifty changes in a minute."""
    rng = random.Random(seed)
    rows = [state(rng, number) for number in range(sites)]
    for second in range(start, end, 60):
        for number in rng.sample(range(sites), max(1, sites // 50)):
            rows[number] = state(rng, number)
        stamp = b"%d\n" % second
        yield stamp.join(rows) + stamp


def hours(sites: int, start: int, end: int, seed: int = 7) -> Iterator[bytes]:
    """Hourly figures of all sites, one piece per hour."""
    rng = random.Random(seed)
    for second in range(start, end, 3600):
        yield b"".join(
            b"kpi,site=site-%04d minutes=60i,alarms=%di,flood_minutes=0,online_ratio=%.4f,peak_10min=1,standing=2i %d\n"
            % (number, rng.random() < 0.1, 1 - (rng.random() < 0.02) / DEVICES, second)
            for number in range(sites)
        )


def write(
    url: str, pieces: Iterator[bytes], sites: int, *, database: str = "davylamp", writers: int = 2
) -> int:
    """Sends the pieces, a few requests at a time. Returns the number of rows. RuntimeError if the database refuses."""
    host, path = urlsplit(url).netloc, f"/write?db={database}&precision=s"

    def post(body: bytes) -> int:
        for _ in range(20):  # a busy database gives up on its own disk after 10 s; writing again is harmless
            connection = http.client.HTTPConnection(host, timeout=300)
            connection.request("POST", path, body)
            answer = connection.getresponse()
            said = answer.read()
            connection.close()
            if answer.status == 204:
                return body.count(b"\n")
            if answer.status < 500:
                break
        raise RuntimeError(f"{answer.status} {said[:300]!r}")

    written, waiting, batch = 0, [], []
    with ThreadPoolExecutor(writers) as pool:
        for piece in pieces:
            batch.append(piece)
            if len(batch) * sites >= LINES:
                waiting.append(pool.submit(post, b"".join(batch)))
                batch = []
                if len(waiting) > 2 * writers:
                    written += waiting.pop(0).result()
        if batch:
            waiting.append(pool.submit(post, b"".join(batch)))
        return written + sum(job.result() for job in waiting)
