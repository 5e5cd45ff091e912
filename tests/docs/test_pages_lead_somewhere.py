"""Links resolve, every page is reached from the README, and nothing names a place of one machine alone."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]
PAGES = [
    HOME / "README.md",
    HOME / "CONTRIBUTING.md",
    HOME / "CHANGELOG.md",
    HOME / "sdk" / "README.md",
    *sorted((HOME / "docs").glob("*.md")),
]

#: Homes of people and of build machines; a file that names one was written for that machine only.
_PLACES = re.compile(
    r"(?<![\w.~$}])/(?:root|home|Users|work|workspace|mnt|private/var)/(?!(?:me|you|u)\b)[\w.-]+"
)
#: Where packages come from, other than the public index, which is a matter of each machine's own settings.
_REGISTRIES = re.compile(
    r"--(?:extra-)?index-url[ =]|--trusted-host|\b(?:artifactory|nexus|devpi|registry)\.[\w-]+\.[a-z]{2,}",
    re.I,
)
#: Words that mean something only to those who wrote a change, not to those who read the repository.
_INTERNAL = re.compile(
    r"\bissues? (?:show|list|view)\b|\bshared/(?:design|spec|style|seeds)\b|\bthis session\b", re.I
)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> list[str]:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_every_relative_link_resolves(page: Path) -> None:
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in anchors(target), f"{page.name}: {link}"


def test_every_page_is_reached_from_the_readme() -> None:
    linked = {(HOME / link.partition("#")[0]).resolve() for link in links(HOME / "README.md")}

    assert [page.name for page in (HOME / "docs").glob("*.md") if page not in linked] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_page_has_one_title_and_short_lines_of_text(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    lines = [line for line in text.splitlines() if not line.startswith("|")]

    assert len([line for line in lines if line.startswith("# ")]) == 1
    assert [line for line in lines if len(line) > 130] == []


def tracked() -> list[Path]:
    """Text files that git knows or would take in."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=HOME, capture_output=True, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("this is no git checkout")
    return [HOME / name for name in listed.stdout.decode().split("\0") if name and (HOME / name).is_file()]


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a place of one machine", _PLACES),
        ("a source of packages", _REGISTRIES),
        ("an inner matter", _INTERNAL),
    ],
    ids=["places", "registries", "inner-matters"],
)
def test_no_file_names(what: str, pattern: re.Pattern[str]) -> None:
    found = []
    for path in tracked():
        data = path.read_bytes()
        if path == Path(__file__) or b"\0" in data or "vendor" in path.parts:
            continue
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            if match := pattern.search(line):
                found.append(f"{path.relative_to(HOME)}:{number}: {match[0]}")

    assert found == [], f"{what} is named"
