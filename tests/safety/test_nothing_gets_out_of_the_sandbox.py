"""Every attempt, in every kind of sandbox this machine has; as this user, and as root as another too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from safety.work import Rights
from tests.safety import attempts
from tests.safety.attempts import Attempt
from tests.safety.jail import LEVELS, WRITES, Jail
from tests.safety.surroundings import SECRET, Surroundings, surroundings


@pytest.fixture(scope="module", params=LEVELS)
def furnished(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Jail, Surroundings]]:
    beside = tmp_path_factory.mktemp("beside")
    jail = Jail(beside / "home", request.param)
    try:
        jail.require()
        with surroundings(jail.home, beside) as around:
            yield jail, around
    finally:
        jail.close()


@pytest.fixture(scope="module")
def came_of(furnished: tuple[Jail, Surroundings]) -> dict[str, str]:
    """What came of each attempt, by its name."""
    jail, around = furnished
    told: dict[str, str] = {}
    for rights in {attempt.rights for attempt in attempts.ALL}:
        some = [attempt for attempt in attempts.ALL if attempt.rights == rights]
        _, printed = jail.python(attempts.program(some), *around.arguments(), rights=rights)
        told |= dict(line.partition(": ")[::2] for line in printed.splitlines())
        assert SECRET not in printed
    return told


@pytest.mark.parametrize("attempt", attempts.ALL, ids=lambda attempt: attempt.name)
def test_it_is_denied(
    furnished: tuple[Jail, Surroundings], came_of: dict[str, str], attempt: Attempt
) -> None:
    if furnished[0].level not in attempt.harmless:
        assert came_of[attempt.name].startswith("denied")


def test_nothing_outside_was_changed_and_nobody_was_called(
    furnished: tuple[Jail, Surroundings], came_of: dict[str, str]
) -> None:
    assert len(came_of) == len(attempts.ALL)
    assert furnished[1].is_untouched()
    assert not Path("/usr/planted").exists()
    assert not Path("/etc/planted").exists()


def test_modes_that_set_no_id_can_be_given_and_kept(
    furnished: tuple[Jail, Surroundings],
) -> None:
    jail, _ = furnished
    if jail.level == "landlock":
        pytest.skip("no mode can be changed there at all")
    script = """
        cd "$HOME" && printf x >made && chmod 755 made && cp -p made copy && mkdir -m 1777 folder
        install -m 640 made put
        tar -cf - made put | tar -xpf - -C folder && stat -c %a made copy folder/put
    """

    ended, printed = jail.shell(script, rights=WRITES)

    assert (ended.exit_code, printed.split()) == (0, ["755", "755", "640"])


def test_what_is_its_own_can_be_read(furnished: tuple[Jail, Surroundings]) -> None:
    jail, _ = furnished

    ended, printed = jail.shell("cat own.txt; ls -a; cat .git/HEAD")

    assert (ended.exit_code, "its own" in printed, "refs/heads/main" in printed) == (0, True, True)


def test_nothing_but_what_was_named_comes_from_the_daemons_environment(
    furnished: tuple[Jail, Surroundings],
) -> None:
    jail, _ = furnished

    _, printed = jail.shell("env", rights=Rights(environment_keys=("PASSED_KEY", "NOT_SET")))

    assert f"PASSED_KEY={jail.passed_value}" in printed
    assert "SECRET" not in printed
