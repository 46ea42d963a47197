"""`python -m tests.acceptance.picture`: the pictures of the READMEs and of docs/how-to/the-page.md, taken from the
demo while the leak goes on."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.acceptance.processes import DAVYLAMP, ROOT, free_ports, program
from tests.api.browser import Browser
from tests.servers import free_port

IMAGES = ROOT / "docs" / "images"


def main() -> None:
    IMAGES.mkdir(exist_ok=True)
    page = free_port()
    with (tempfile.TemporaryDirectory() as folder,
          program(*DAVYLAMP, "demo", "--port", str(page), "--modbus-port", str(free_ports(4)), "--mqtt-port",
                  str(free_port()), "--data", folder) as demo):
        demo.wait_for(f"http://127.0.0.1:{page}")
        browser = Browser(Path(folder))
        browser.become(1280, 1150)
        browser.open(f"http://127.0.0.1:{page}")
        demo.wait_for("ALARM   P1 Loading bay", seconds=120)
        browser.until("document.body.innerText.includes('BLIND')")
        browser.screenshot(IMAGES / "page-leak.png", whole=False)
        browser.click("#language")
        browser.until("document.body.innerText.includes('装车台')")
        browser.screenshot(IMAGES / "page-leak-zh.png", whole=False)
        browser.click("#language")
        browser.become(390, 1330)
        browser.run("location.hash = 'alarm/GD-03%2FHH'")
        browser.until("document.querySelector('.plot svg')")
        browser.screenshot(IMAGES / "page-why-phone.png", whole=False)
        demo.stop()
    for image in sorted(IMAGES.glob("*.png")):
        print(f"{image.relative_to(ROOT)}: {image.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
