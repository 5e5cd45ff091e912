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
SCRIPT = """
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


def test_it_is_written_and_a_save_through_an_old_handle_is_not_lost(
    in_a_mount: list[str], tmp_path: Path
) -> None:
    ended = subprocess.run(
        [*in_a_mount, sys.executable, "-c", SCRIPT, str(tmp_path / "home"), str(tmp_path / "mnt")],
        cwd=REPOSITORY,
        capture_output=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, b"")
    assert json.loads(ended.stdout) == {
        "shown": ["a", "c"],
        "statuses": {"a": "pending", "b": "pending", "c": "pending"},
        "left": ["moved"],
    }
