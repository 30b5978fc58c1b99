"""Makes README's pictures from the running system: `make pictures` writes docs/pictures/*.png."""

from __future__ import annotations

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser import CHROMIUM_ARGUMENTS
from tests.end_to_end.people import Resident, sign_in
from tests.end_to_end.running_system import PROJECT, RunningSystem

PICTURES = PROJECT / "docs/pictures"
PHONE = {"width": 390, "height": 844}
SCREEN = {"width": 1280, "height": 900}


def picture_of_the_chat(browser: Browser, system: RunningSystem) -> None:
    page = browser.new_context(viewport=PHONE, device_scale_factor=2).new_page()
    layla = Resident(page, system, "ar")
    layla.choose("العربية")
    layla.pick("option_agree")
    layla.sees(layla.says("ask_view"))
    layla.write("نحتاج إلى مكان نلتقي فيه مع جيراننا، فكثير من كبار السن يعيشون وحدهم.")
    layla.sees(layla.says("view_kept"))
    page.wait_for_timeout(800)
    page.screenshot(path=PICTURES / "chat-arabic.png")


def pictures_of_the_desk(browser: Browser, system: RunningSystem) -> None:
    page = browser.new_context(viewport=SCREEN).new_page()
    reference = Resident(page, system, "pt").sends_a_view(
        "Português",
        "As aulas de inglês para mães são poucas e sempre cheias. Muitas de nós queremos trabalhar.",
        "O parque precisa de mais luz à noite, temos medo de passar lá.",
    )
    page.wait_for_timeout(4000)  # the themes are found after the view was sent
    sign_in(page, system)
    page.screenshot(path=PICTURES / "desk-list.png")
    page.goto(f"{system.url}/desk/submissions/{reference}")
    page.screenshot(path=PICTURES / "desk-submission.png")


def main() -> None:
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        system = RunningSystem(Path(folder) / "var")
        system.start()
        try:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGUMENTS)
            picture_of_the_chat(browser, system)
            pictures_of_the_desk(browser, system)
            browser.close()
        finally:
            system.stop()


if __name__ == "__main__":
    main()
