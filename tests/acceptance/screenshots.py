"""``make screenshots``: every page of the panel as a person sees it, by day and night, on a desk and a phone.

The home is furnished as in a working day, by the store's own methods. What is written to ``docs/screenshots``
is looked at before it is committed: a page that is ugly, cut off or confusing is a fault.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from panel.navigation import PAGES
from settings import Home
from store import deadlines
from tests.unit.panel.furnish import (
    furnish,
    furnish_a_day,
    furnish_money,
    furnish_pages_of_tasks,
    furnish_run,
)
from tests.unit.panel.furnish_rooms import furnish_rooms
from tests.unit.panel.furnish_runs import furnish_runs
from tests.unit.panel.in_a_browser import FLAGS, RunningPanel, chromium_path

PLACE: Final = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
SCHEMES: Final = ("light", "dark")
SIZES: Final = {"desktop": (1280, 800), "phone": (390, 844)}
#: What is asked for without a session, which shows the page that begins one.
LOGIN: Final = ""
#: Pages that are reached from others, by the name of their picture.
DEEPER: Final = {
    "task": "/tasks/write-notes",
    "add": "/add",
    "run": "/runs/report-on-a-repository-41c9",
    "start-run": "/start-run",
    "run-diff": "/run/diff/compare-08ffd993/compare-5c1e77a0",
    "log-processes": "/log/processes",
    "login": LOGIN,
}
#: Shows the home as one would have it, in place of the directory it was made in.
AT_HOME: Final = """root => {
    for (const code of document.querySelectorAll("code")) {
        if (code.textContent.includes(root)) code.textContent = code.textContent.replace(root, "~/skep");
    }
}"""
#: Seconds that the questions of the home wait for their answer.
DEADLINE_S: Final = 8 * 3600.0
#: Workers that are wanted: as many as the home has.
WORKERS: Final = 2
#: Milliseconds for a chart to be drawn and the pulse to be heard.
SETTLE_MS: Final = 700


def main(arguments: list[str] | None = None) -> int:
    """Take them all, or those of the pages named."""
    parser = argparse.ArgumentParser(prog="make screenshots", description=__doc__)
    parser.add_argument("page", nargs="*", help="only these, such as overview")
    wanted = parser.parse_args(arguments).page
    paths = {page.name: "/" if page.name == "overview" else f"/{page.name}" for page in PAGES} | DEEPER
    PLACE.mkdir(parents=True, exist_ok=True)
    with furnished() as panel, browser() as chromium:
        for scheme in SCHEMES:
            for name, size in SIZES.items():
                for page, path in paths.items():
                    if not wanted or page in wanted:
                        _take(chromium, panel, path, scheme, size, PLACE / f"{page}-{scheme}-{name}.png")
    return 0


@contextlib.contextmanager
def furnished() -> Iterator[RunningPanel]:
    """A panel over a home in the middle of a working day."""
    with tempfile.TemporaryDirectory(prefix="skep-") as root, RunningPanel(Home(Path(root))) as panel:
        furnish_a_day(panel.home)
        panel.store.write(lambda tx: deadlines.apply(tx, DEADLINE_S))
        furnish_runs(panel.store, panel.home)
        furnish_run(panel.store)
        furnish_money(panel.store)
        furnish(panel.store)
        furnish_pages_of_tasks(panel.by)
        furnish_rooms(panel.store, panel.home)
        panel.store.set_capacity({"workers": WORKERS}, "cli:ana")
        yield panel


@contextlib.contextmanager
def browser() -> Iterator[Any]:
    """A Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=chromium_path(), args=FLAGS)
        yield chromium
        chromium.close()


def _take(
    chromium: Any, panel: RunningPanel, path: str, scheme: str, size: tuple[int, int], to: Path
) -> None:
    width, height = size
    with contextlib.closing(
        chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": height})
    ) as context:
        page = context.new_page()
        if path != LOGIN:
            page.goto(panel.link)
            page.wait_for_selector("#live")
        answer = page.goto(f"{panel.url}{path}")
        assert answer.status == (401 if path == LOGIN else 200), f"{path}: {answer.status}"
        page.wait_for_timeout(SETTLE_MS)
        page.evaluate(AT_HOME, str(panel.home.root))
        page.screenshot(path=to)
    print(to.name)


if __name__ == "__main__":
    sys.exit(main())
