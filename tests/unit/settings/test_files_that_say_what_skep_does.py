"""Files that say what Skep does count only where nobody but their user could have written them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config_files.models import read_models_file
from errors import InvalidSetting
from safety import constitution
from safety.command_file import read_rules
from safety.plugged import CheckBroke, PluggedCheck
from setting_sources import load_settings
from settings import Home
from toolbox.files import read_home

STRANGER = 65_534

Read = Callable[[Home], object]

#: the file, what it says, and who reads it
FILES: dict[str, tuple[str, Read]] = {
    "skep.toml": ("swarm_threads = 5", lambda home: load_settings(home, {})),
    "config/skep.toml": ("swarm_threads = 5", lambda home: load_settings(home, {})),
    "config/models.toml": ("", lambda home: read_models_file(home.models_file)),
    "config/constitution.toml": ("", lambda home: constitution.load(home.root)),
    "config/commands.toml": ("", lambda home: read_rules(home.root)),
    "config/tools.toml": ("", lambda home: read_home(home.root)),
    "config/checks.py": (
        "def find(text, mode):\n    return []\n",
        lambda home: PluggedCheck("checks:find", home.root / "config"),
    ),
}


@pytest.fixture(params=FILES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def home(tmp_path: Path, name: str) -> Home:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(FILES[name][0])
    return Home(tmp_path)


def read(home: Home, name: str) -> None:
    FILES[name][1](home)


def give_to_a_stranger(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root can give it away; everybody else can only be somebody else."""
    if os.geteuid() == 0:
        os.chown(path, STRANGER, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: STRANGER)


def test_ones_own_counts(home: Home, name: str) -> None:
    read(home, name)


def test_a_stranger_s_is_refused_with_its_name_and_the_way_out(
    home: Home, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_to_a_stranger(home.root / name, monkeypatch)

    with pytest.raises(InvalidSetting, match=f"{name}: belongs to another user .* with chown"):
        read(home, name)


def test_one_that_everybody_can_write_is_refused(home: Home, name: str) -> None:
    (home.root / name).chmod(0o666)

    with pytest.raises(
        InvalidSetting, match=f"{name}: says what Skep does, and everybody can write it; chmod o-w"
    ):
        read(home, name)


def test_one_that_is_no_plain_file_is_refused_and_not_waited_for(home: Home, name: str) -> None:
    (home.root / name).unlink()
    os.mkfifo(home.root / name)

    with pytest.raises(InvalidSetting, match=f"{name}: must be a plain file"):
        read(home, name)


def test_one_that_is_endless_is_refused(home: Home, name: str) -> None:
    with (home.root / name).open("r+b") as file:
        file.truncate(1 << 40)

    with pytest.raises(InvalidSetting, match=r"over .* bytes"):
        read(home, name)


def test_code_of_ones_own_is_not_kept_compiled(tmp_path: Path) -> None:
    (tmp_path / "checks.py").write_text("def find(text, mode):\n    return []\n")

    PluggedCheck("checks:find", tmp_path)

    assert [each.name for each in tmp_path.iterdir()] == ["checks.py"]


@pytest.mark.parametrize(
    "breaks",
    ["RuntimeError", "SystemExit", "BaseException('broke')", "SystemExit(sys.modules.pop(__name__))", "Mute"],
)
def test_code_that_could_not_be_loaded_is_told_and_is_no_module_afterwards(
    tmp_path: Path, breaks: str
) -> None:
    mute = "class Mute(Exception):\n    def __str__(self): raise ValueError\n"
    (tmp_path / "half.py").write_text(f"import sys\n{mute}begun = True\nraise {breaks}\n")

    with pytest.raises(
        InvalidSetting, match=r"'half:begun' cannot be loaded: (RuntimeE|SystemE|broke|<module|Mute)"
    ):
        PluggedCheck("half:begun", tmp_path)

    assert "skep_home_half" not in sys.modules


def test_a_check_that_would_end_the_process_breaks_at_once(tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text("def find(text, mode):\n    raise SystemExit(4)\n")

    with pytest.raises(CheckBroke, match=r"ends:find broke: SystemExit: 4$"):
        PluggedCheck("ends:find", tmp_path).ask("text", "llm", 3600)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away needs root")
def test_root_works_for_whom_the_home_belongs_to(home: Home, name: str) -> None:
    for path in (home.root, home.root / name):
        os.chown(path, STRANGER, -1)

    read(home, name)
