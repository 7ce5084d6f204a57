"""The landing page in a real browser: it keeps itself fresh, under its own strict policy."""

import shutil
from pathlib import Path

from playwright.sync_api import ConsoleMessage, sync_playwright
from tests.running import serving


def test_the_page_keeps_itself_fresh_and_says_when_nobody_answers(tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    assert chromium, "install the Debian package chromium"
    complaints: list[str] = []

    def heed(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    with serving(tmp_path) as service, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page()
        page.on("console", heed)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(service.url)

        service.beat("newcomer", status="WORKING", currentTask="<i>hello</i>")
        page.wait_for_selector("text=newcomer")
        assert page.locator("td.task").inner_text().startswith("<i>hello</i>")
        assert page.locator("td.task i").count() == 0
        service.post(
            "/api/agents/newcomer/fire", {"reason": "derailed", "context": "off it went"}
        )
        page.wait_for_selector("text=off it went")
        assert not complaints

        service.stop()
        page.wait_for_selector("text=not reachable")
        browser.close()
