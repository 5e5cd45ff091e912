"""The statistics in the files of identities: written for a person, whose own words are never lost."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest

import host_platform
from road import statistics_view
from road.screened_roster import ScreenedRoster
from road.statistics_view import StatisticsView
from safety.gateway import SafetyGateway
from store import ledger
from tests.integration.road_rig import RoadRig

MINE = '# Ada, who was first\nname = "Ada"  # of Byron\n'


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(statistics_view, "REST", 0.0)
    with RoadRig(tmp_path) as opened:
        yield opened


def save(rig: RoadRig, name: str = "ada", text: str = MINE) -> Path:
    """A file that was saved a while ago."""
    rig.home.identities.mkdir(exist_ok=True)
    path = rig.home.identities / f"{name}.toml"
    path.write_text(text)
    return age(path)


def age(path: Path) -> Path:
    os.utime(path, (1_000_000, 1_000_000))
    return path


def view(rig: RoadRig) -> StatisticsView:
    roster = ScreenedRoster(rig.home.identities, SafetyGateway(rig.home, rig.settings))
    return StatisticsView(rig.store, roster)


def work(rig: RoadRig, task: str = "t") -> None:
    """A command of Ada's that is approved and earns ten tokens."""
    rig.road().walk(rig.claim(id=task, command="echo hello", identity_id="ada", max_budget=0.1))


def shown(path: Path) -> dict[str, object]:
    found: dict[str, object] = tomllib.loads(path.read_text())["statistics"]
    return found


def told(rig: RoadRig) -> list[str]:
    return [json.loads(row["data"])["reason"] for row in rig.events("identity.unwritten")]


def beside(rig: RoadRig) -> list[str]:
    return sorted(path.name for path in rig.home.identities.iterdir() if path.name.startswith("."))


def test_what_was_done_and_earned_stands_in_the_file_and_the_persons_words_above_it(rig):
    path = save(rig)
    path.chmod(0o640)
    work(rig)
    view(rig).look()
    assert path.read_text().startswith(MINE)
    assert {name: shown(path)[name] for name in ("tasks", "attempts", "approved", "earned", "balance")} == {
        "tasks": 1, "attempts": 1, "approved": 1, "earned": 10, "balance": 10,
    }  # fmt: skip
    assert path.stat().st_mode & 0o777 == 0o640
    assert told(rig) == []


def test_who_did_nothing_has_a_file_without_a_word_of_skeps(rig):
    path = save(rig, "bob")
    work(rig)
    view(rig).look()
    assert path.read_text() == MINE


def test_it_is_written_again_when_something_is_new_and_else_not(rig):
    path, looking = save(rig), view(rig)
    work(rig)
    assert looking.look() is not None
    assert looking.look() is not None, "the file is seen again as it was written"
    was = path.stat()
    assert looking.look() is None
    assert path.stat() == was
    age(path)
    work(rig, "t2")
    looking.look()
    assert shown(path)["tasks"] == 2
    looking.settle()
    assert beside(rig) == []


def test_a_leader_that_stops_shows_the_last_and_leaves_old_texts_to_the_next_one(rig):
    path = save(rig)
    work(rig)
    with path.open("r+") as file:
        assert view(rig).show_new()
        assert shown(path)["tasks"] == 1
        file.write('name = "Countess"\n')
        file.truncate()
    view(rig).look()
    assert path.read_text() == 'name = "Countess"\n'


def test_a_hand_edit_of_the_figures_pays_nobody_and_is_overwritten(rig):
    path, looking = save(rig), view(rig)
    work(rig)
    looking.look()
    looking.look()
    path.write_text(path.read_text().replace("balance = 10", "balance = 9999"))
    age(path)
    looking.look()
    looking.look()
    assert shown(path)["balance"] == 10
    assert ledger.purse_of(rig.store.reader, "ada").balance == 10


def test_a_file_that_was_saved_just_now_or_is_being_edited_is_left_alone_for_now(rig):
    path, looking = save(rig), view(rig)
    work(rig)
    os.utime(path)
    looking.look()
    assert path.read_text() == MINE
    age(path)
    mark = path.with_name(".ada.toml.swp")
    mark.touch()
    looking.look()
    assert path.read_text() == MINE
    mark.unlink()
    assert looking.look() is not None
    assert shown(path)["tasks"] == 1


def save_in_place(path: Path, text: str) -> None:
    path.write_text(text)


def save_by_rename(path: Path, text: str) -> None:
    fresh = path.with_name("fresh")
    fresh.write_text(text)
    fresh.replace(path)


@pytest.mark.parametrize("saver", [save_in_place, save_by_rename])
def test_a_save_in_the_instant_of_the_writing_goes_back_into_its_place(rig, monkeypatch, saver):
    path, exchange = save(rig), host_platform.exchange_files
    work(rig)

    def late(first: Path, second: Path) -> None:
        monkeypatch.setattr(host_platform, "exchange_files", exchange)
        saver(path, 'name = "Countess"\n')
        exchange(first, second)

    monkeypatch.setattr(host_platform, "exchange_files", late)
    looking = view(rig)
    looking.look()
    assert path.read_text() == 'name = "Countess"\n'
    age(path)
    looking.look()
    assert path.read_text().startswith('name = "Countess"\n')
    assert shown(path)["tasks"] == 1


def test_a_save_through_a_handle_that_was_open_before_is_not_lost(rig):
    path, looking = save(rig), view(rig)
    work(rig)
    with path.open("r+") as file:
        looking.look()
        assert shown(path)["tasks"] == 1
        file.write('name = "Countess"\n')
        file.truncate()
    looking.look()
    assert path.read_text() == 'name = "Countess"\n'


def test_two_saves_at_once_are_both_kept(rig):
    path, looking = save(rig), view(rig)
    work(rig)
    with path.open("a") as file:
        looking.look()
        path.write_text('name = "Countess"\n')
        file.write('model = "m"\n')
    looking.look()
    assert path.read_text() == 'name = "Countess"\n'
    (kept,) = rig.home.conflicts.iterdir()
    assert kept.read_text() == f'{MINE}model = "m"\n'
    assert str(kept) in told(rig)[0]


def test_what_a_killed_leader_left_is_settled_by_the_next(rig):
    path = save(rig)
    work(rig)
    view(rig).look()
    (aside,) = (rig.home.identities / name for name in beside(rig))
    aside.write_text('name = "Countess"\n')
    (rig.home.identities / ".ada.toml.writing").write_text("half")
    (rig.home.identities / ".ada.toml.swap-mine").write_text("a person's")
    looking = view(rig)
    looking.settle()
    assert path.read_text() == 'name = "Countess"\n'
    age(path)
    looking.look()
    looking.settle()
    assert shown(path)["tasks"] == 1
    assert beside(rig) == [".ada.toml.swap-mine"]


def long(path: Path) -> None:
    path.write_text(f"# {'x' * 16_300}\n")


def link(path: Path) -> None:
    path.rename(path.with_name("real"))
    path.symlink_to("real")


def second_name(path: Path) -> None:
    os.link(path, path.with_name("ada.bak"))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda path: path.chmod(0o400), "chmod u+w"),
        (second_name, "hard link"),
        (long, "shorten it"),
        (lambda path: path.write_text("[statistics]\n"), "remove every line"),
    ],
)
def test_a_file_that_cannot_be_written_is_told_of_once_and_left_as_it_is(rig, spoil, reason):
    path, looking = save(rig), view(rig)
    work(rig)
    spoil(path)
    age(path)
    was = path.read_bytes()
    looking.look()
    assert looking.look() is None
    work(rig, "t2")
    looking.look()
    assert path.read_bytes() == was
    (once,) = told(rig)
    assert reason in once


@pytest.mark.parametrize("spoil", [lambda path: path.write_text("name = 3"), link, Path.unlink])
def test_a_file_that_is_none_is_left_to_those_who_tell_of_it(rig, spoil):
    path = save(rig)
    work(rig)
    spoil(path)
    looking = view(rig)
    assert looking.look() is None
    looking.settle()
    assert told(rig) == []
    assert beside(rig) == []


def test_where_two_files_cannot_be_exchanged_nothing_is_written(rig, monkeypatch):
    def unsupported(*_: Path) -> None:
        raise host_platform.ExchangeUnsupported

    monkeypatch.setattr(host_platform, "exchange_files", unsupported)
    path, looking = save(rig), view(rig)
    work(rig)
    looking.look()
    looking.settle()
    assert path.read_text() == MINE
    assert beside(rig) == []
    assert len(told(rig)) == 1
