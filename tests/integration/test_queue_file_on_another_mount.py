"""A queue file that is a link into a folder on another mount, as the system really mounts it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
AN_OLD_HANDLE = """
import json, os, sys
from pathlib import Path
from runtime_contract import Limits, normalize_task
from store.records import Intake, NewTask
from tests.unit.queue_file.keeping import Keeping

keeping, folder = Keeping(Path(sys.argv[1])), Path(sys.argv[2])
target = folder / "q.json"
target.write_text(json.dumps({"tasks": [{"id": "a", "prompt": "say hello"}]}))
keeping.file.symlink_to(target)
keeping.keeper.start_up()
keeping.round()
with keeping.file.open("r+b") as handle:
    content = json.loads(handle.read())
    keeping.store.submit(Intake(new=[NewTask(*normalize_task({"id": "c", "prompt": "x"}, Limits()))]), "cli")
    keeping.round()
    shown = [each["id"] for each in json.loads(target.read_text())["tasks"]]
    target.rename(folder / "moved")
    keeping.file.unlink()
    keeping.round()
    keeping.clock.advance(2)
    keeping.round()
    content["tasks"].append({"id": "b", "prompt": "say more"})
    handle.seek(0)
    handle.write(json.dumps(content).encode())
keeping.restart()
print(json.dumps({"shown": shown, "statuses": keeping.statuses(), "left": sorted(os.listdir(folder))}))
"""
#: Killed right after an exchange; the mount is away while the file is written elsewhere, and comes back.
AWAY_AND_BACK = """
import json, sys
from pathlib import Path
import host_platform
from store import steering
from tests.unit.queue_file.keeping import Keeping

class PlugPulled(BaseException):
    pass

def pull_the_plug(new, target):
    really(new, target)
    raise PlugPulled

def say(words):
    content = json.loads(shown)
    content["tasks"][0]["prompt"] = words
    keeping.save(content)

def change(task):
    keeping.store.write(lambda tx: steering.cancel(tx, task, "cli", "x"))
    keeping.clock.advance(9)
    keeping.round()

keeping, folder = Keeping(Path(sys.argv[1])), Path(sys.argv[2], "folder")
folder.mkdir()
named, keeping.file = keeping.file, folder / "q.json"
keeping.file.write_text(json.dumps({"tasks": [{"id": id, "prompt": "x"} for id in "abcd"]}))
named.symlink_to(keeping.file)
keeping.keeper.start_up()
keeping.round()
shown = keeping.file.read_text()
say("one")
if sys.argv[3] == "taken in":
    keeping.look()
really, host_platform.exchange_files = host_platform.exchange_files, pull_the_plug
if sys.argv[3] != "taken in":
    def save_and_pull_the_plug(new, target):
        say("three")
        pull_the_plug(new, target)
    host_platform.exchange_files = save_and_pull_the_plug
try:
    change("b")
except PlugPulled:
    pass
host_platform.exchange_files = really

keeping.file, away = named, folder.rename(folder.with_name("away"))
named.unlink()
say("two")
keeping.restart()
change("c")
change("d")
taken_in = len(keeping.events("queue_file.taken_in"))
if sys.argv[4] == "a link again":
    named.unlink()
    named.symlink_to(folder / "q.json")
away.rename(folder)
if sys.argv[4] == "led on":
    named.unlink()
    named.symlink_to(folder / "q.json")
    keeping.look()
else:
    keeping.restart()
keeping.round()
said = keeping.doc("a")["prompt"]
print(json.dumps([said, len(keeping.events("queue_file.taken_in")) - taken_in]))
"""


@pytest.fixture(params=["another file system", "the same file system"])
def in_a_mount(request: pytest.FixtureRequest, tmp_path: Path) -> list[str]:
    """The words before a command that mount something at `mnt`."""
    bubblewrap = shutil.which("bwrap") or "bwrap"
    for name in ("home", "elsewhere", "mnt"):
        (tmp_path / name).mkdir()
    mount = str(tmp_path / "mnt")
    same = ["--bind", str(tmp_path / "elsewhere"), mount]
    added = same if request.param == "the same file system" else ["--tmpfs", mount]
    words = [bubblewrap, "--dev-bind", "/", "/", *added]
    try:
        works = subprocess.run([*words, "true"], check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        works = False
    if not works:
        why = "bubblewrap cannot mount anything here"
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)
    return words


def run(script: str, in_a_mount: list[str], tmp_path: Path, *words: str) -> object:
    """What a script prints that is told the home and the mount."""
    ended = subprocess.run(
        [*in_a_mount, sys.executable, "-c", script, str(tmp_path / "home"), str(tmp_path / "mnt"), *words],
        cwd=REPOSITORY,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, b"")
    return json.loads(ended.stdout)


def test_it_is_written_and_a_save_through_an_old_handle_is_not_lost(
    in_a_mount: list[str], tmp_path: Path
) -> None:
    assert run(AN_OLD_HANDLE, in_a_mount, tmp_path) == {
        "shown": ["a", "c"],
        "statuses": {"a": "pending", "b": "pending", "c": "pending"},
        "left": ["moved"],
    }


@pytest.mark.parametrize("then", ["the file stays", "a link again", "led on"])
@pytest.mark.parametrize(
    ("looked_at", "said", "words"), [("taken in", "two", 0), ("not looked at", "three", 1)]
)
def test_when_the_mount_is_back_a_save_of_the_instant_in_which_it_went_counts_and_what_was_taken_in_does_not(
    in_a_mount: list[str], tmp_path: Path, looked_at: str, said: str, words: int, then: str
) -> None:
    # A link that leads to the older file again is a word of somebody's, which says nothing new.
    words += then != "the file stays"
    assert run(AWAY_AND_BACK, in_a_mount, tmp_path, looked_at, then) == [said, words]
