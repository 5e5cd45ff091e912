"""The files of identities: read when they change, and nothing in their place does harm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from enrichment import new_identity
from enrichment.identity import MOST_BYTES, Identity
from enrichment.roster import Roster
from errors import InvalidRequest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "identities"
    made.mkdir()
    return made


def test_without_a_folder_an_identity_is_only_a_name(tmp_path):
    entry = Roster(tmp_path / "nothing").get("ada")
    assert (entry.fault, entry.identity) == (None, Identity())
    assert Roster(tmp_path / "nothing").all() == []


def test_with_a_folder_a_name_without_a_file_is_told_with_the_way_out(folder):
    assert Roster(folder).get("ada").fault == "it does not exist; `skep identities add ada` makes it"


def test_a_file_is_read_again_when_it_has_changed(folder):
    roster = Roster(folder)
    (folder / "ada.toml").write_text('hat = "builder"')
    first = roster.get("ada")
    assert roster.get("ada") is first
    fresh = folder / "fresh"
    fresh.write_text('hat = "reviewer"')
    fresh.replace(folder / "ada.toml")
    assert roster.get("ada").identity == Identity(hat="reviewer")


def test_a_bad_file_costs_only_itself(folder):
    (folder / "ada.toml").write_text("name = 1")
    (folder / "bob.toml").write_text('name = "Bob"')
    (folder / "notes.txt").write_text("not an identity")
    (folder / ".hidden.toml").write_text("")
    (folder / "-x.toml").write_text("")
    found = {entry.id: entry for entry in Roster(folder).all()}
    assert sorted(found) == ["-x", "ada", "bob"]
    assert "must match" in str(found["-x"].fault)
    assert found["ada"].fault == "name: should be a valid string"
    assert found["ada"].file == ".swarm/identities/ada.toml"
    assert found["bob"].identity == Identity(name="Bob")


@pytest.mark.timeout(20)
def test_a_link_a_pipe_a_folder_and_a_giant_are_no_identities(folder, tmp_path):
    secret = tmp_path / "secret.toml"
    secret.write_text('name = "stolen"')
    (folder / "link.toml").symlink_to(secret)
    os.mkfifo(folder / "pipe.toml")
    (folder / "folder.toml").mkdir()
    (folder / "giant.toml").write_text("#" * (MOST_BYTES + 1))
    (folder / "bytes.toml").write_bytes(b"\xff\xfe")
    roster = Roster(folder)
    for name, told in {
        "link": "cannot be read",
        "pipe": "no plain file",
        "folder": "no plain file",
        "giant": "longer than 16,384 bytes",
        "bytes": "not UTF-8",
    }.items():
        entry = roster.get(name)
        assert entry.identity is None
        assert told in str(entry.fault), name


def test_a_folder_that_is_a_link_is_not_followed(tmp_path, folder):
    (folder / "ada.toml").write_text("")
    (tmp_path / "link").symlink_to(folder)
    entry = Roster(tmp_path / "link").get("ada")
    assert entry.identity is None
    assert "no link" in str(entry.fault)
    with pytest.raises(InvalidRequest, match="is a link"):
        new_identity.add(tmp_path / "link", "bob", Identity())


@pytest.mark.parametrize("name", ["../ada", "a/b", "", ".ada", "a" * 129, "a\0b", "ä"])
def test_an_id_never_leads_out_of_the_folder(folder, name):
    assert "must match" in str(Roster(folder).get(name).fault)
    with pytest.raises(InvalidRequest, match="must match"):
        new_identity.add(folder, name, Identity())


def test_a_new_identity_never_takes_the_place_of_one_that_is_there(folder):
    new_identity.add(folder, "ada", Identity(hat="builder"))
    with pytest.raises(InvalidRequest, match="has a file already"):
        new_identity.add(folder, "ada", Identity(hat="reviewer"))
    assert Roster(folder).get("ada").identity == Identity(hat="builder")
    assert [path.name for path in folder.iterdir()] == ["ada.toml"]
    assert (folder / "ada.toml").stat().st_mode & 0o777 == 0o600
