"""Every dependency has a reason in docs/dependencies.md, and the lock files install on any machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXPLAINED = (HOME / "docs" / "dependencies.md").read_text(encoding="utf-8")

LOCKS = {
    "requirements.lock": [],
    "requirements-dev.lock": ["dev", "otel"],
    "requirements-otel.lock": ["otel"],
    "requirements-bench.lock": ["bench"],
}


def name_of(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, f"no name in {requirement!r}"
    return match.group().lower().replace("_", "-")


def dependencies(groups: list[str]) -> list[str]:
    requirements = list(PROJECT["dependencies"])
    for group in groups:
        requirements += PROJECT["optional-dependencies"][group]
    return [name_of(requirement) for requirement in requirements]


def pins(lock: str) -> dict[str, list[str]]:
    """The hashes of each pinned version; a package may be pinned once for each Python."""
    found: dict[str, list[str]] = {}
    for entry in (HOME / lock).read_text(encoding="utf-8").replace("\\\n", " ").splitlines():
        if entry and not entry.lstrip().startswith("#"):
            found[entry.split(";")[0].split()[0]] = re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry)
    return found


@pytest.mark.parametrize("name", sorted(dependencies(list(PROJECT["optional-dependencies"]))))
def test_a_dependency_has_a_row_with_a_reason(name: str) -> None:
    assert re.search(rf"^\| {re.escape(name)} \| .{{20,}} \|$", EXPLAINED, re.MULTILINE)


def test_nothing_is_explained_that_is_not_used() -> None:
    rows = re.findall(r"^\| ([a-z0-9-]+) \| (?!reason)", EXPLAINED, re.MULTILINE)

    assert sorted(rows) == sorted(dependencies(list(PROJECT["optional-dependencies"])))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host_and_no_place(lock: str) -> None:
    for line in (HOME / lock).read_text(encoding="utf-8").splitlines():
        # Pins and their hashes, and comments which say who asked for them: no address, option or path.
        assert re.fullmatch(
            r"#.*|\s*|[a-z0-9.-]+==\S+( ; [^/]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?|    #.*", line
        ), line
        assert "/" not in line, line
        assert ".org" not in line, line


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_dependency_with_hashes(lock: str) -> None:
    pinned = pins(lock)

    assert set(dependencies(LOCKS[lock])) <= {pin.partition("==")[0] for pin in pinned}
    assert [pin for pin, hashes in pinned.items() if not hashes] == []


def test_the_locks_agree_on_what_runs() -> None:
    runtime = set(pins("requirements.lock"))

    assert runtime <= set(pins("requirements-otel.lock")) <= set(pins("requirements-dev.lock"))
    assert runtime <= set(pins("requirements-bench.lock"))
