"""A real headless Chromium, driven over its DevTools pipe: JSON messages, each with a NUL after it."""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import subprocess
import time
from pathlib import Path

from tests.servers import program


class Browser:
    """One page. `run` evaluates JavaScript; `until` waits for an expression to become true."""

    def __init__(self, folder: Path):
        ours_in, theirs_out = _high_pipe()
        theirs_in, ours_out = _high_pipe()
        command = [program("chromium", "chromium-browser", "google-chrome"), "--headless=new",
                   "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
                   "--disable-background-networking", "--disable-sync",
                   "--lang=en", f"--user-data-dir={folder / 'chromium'}", "--remote-debugging-pipe", "about:blank"]

        def descriptors() -> None:  # in the child: Chromium reads commands from 3 and answers on 4
            os.dup2(theirs_in, 3)
            os.dup2(theirs_out, 4)

        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, preexec_fn=descriptors, pass_fds=(3, 4))
        os.close(theirs_in)
        os.close(theirs_out)
        self._to, self._from = os.fdopen(ours_out, "wb", 0), os.fdopen(ours_in, "rb")
        self._number = itertools.count(1)
        self.errors: list[str] = []  # what the page itself complained about
        targets = self._call("Target.getTargets")["targetInfos"]
        target = next(info["targetId"] for info in targets if info["type"] == "page")
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")
        self.become(1280, 1600)

    _session: str | None = None

    def become(self, width: int, height: int, *, dark: bool = False) -> None:
        """A screen of this size; below 600 a phone."""
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                   mobile=width < 600)
        self._call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url: str) -> None:
        self._call("Page.navigate", url=url)

    def run(self, expression: str):
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, expression: str, *, timeout_s: float = 30) -> None:
        deadline = time.monotonic() + timeout_s
        attempt = f"(() => {{ try {{ return !!({expression}) }} catch {{ return false }} }})()"  # a page may be loading
        while not self.run(attempt):
            if time.monotonic() > deadline:
                raise AssertionError(f"never true: {expression}\n{self.run('document.body.innerText')}")
            time.sleep(0.05)

    def text(self, selector: str) -> str:
        return self.run(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def press(self, *keys: str) -> None:
        """Real keys, one after the other: "a", "?", "Tab", "Enter", "Escape" ..."""
        for key in keys:
            text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
            code = {"Enter": 13, "Tab": 9, "Escape": 27}.get(key, 0)
            for kind in ("keyDown", "keyUp"):
                self._call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code,
                           **({"text": text} if text and kind == "keyDown" else {}))

    def write(self, text: str) -> None:
        """Into what has the focus."""
        self._call("Input.insertText", text=text)

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        shot = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._to.close()
        self._from.close()

    def _call(self, method: str, **parameters) -> dict:
        number = next(self._number)
        message = {"id": number, "method": method, "params": parameters}
        if self._session and not method.startswith("Target."):
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._read())
            if answer.get("id") == number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            self._note(answer)

    def _read(self) -> bytes:
        message = bytearray()
        while (byte := self._from.read(1)) != b"\0":
            if not byte:
                raise AssertionError("Chromium has ended")
            message += byte
        return bytes(message)

    def _note(self, event: dict) -> None:
        if event.get("method") == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(event["params"]["exceptionDetails"])[:2000])
        elif event.get("method") == "Log.entryAdded" and event["params"]["entry"]["source"] == "security":
            self.errors.append(event["params"]["entry"]["text"])


def _high_pipe() -> tuple[int, int]:
    """A pipe whose ends are not 3 or 4, which Chromium's own will be."""
    ends = []
    for end in os.pipe():
        ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10))
        os.close(end)
    return ends[0], ends[1]
