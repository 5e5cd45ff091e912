"""Where the client sends the token: to the daemon of a home or a port of this machine, nowhere else."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from skep_client import AddressRefused, HomeUnusable, Skep, Unreachable
from skep_client.address import HomePlace, fixed

import host_platform
from localhost import port_file
from settings import Home
from store import private_files


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose daemon is this process."""
    home = Home(tmp_path)
    home.state.mkdir(mode=0o700)
    private_files.write(home.token, "skep_token")
    port_file.claim(home, port_file.SWARM, 8420)
    return home


def find(home: Home) -> tuple[str, str, Path | None]:
    found = HomePlace(home.root, {}).find()
    return found.url, found.token, found.socket


def test_the_port_and_token_that_the_daemon_wrote_down_are_found(home: Home) -> None:
    assert find(home) == ("http://127.0.0.1:8420", "skep_token", None)
    assert HomePlace(None, {"SKEP_HOME": str(home.root)}).find() == HomePlace(home.root, {}).find()
    assert "skep_token" not in repr(HomePlace(home.root, {}).find())


def test_the_directory_one_stands_in_is_the_home_where_none_is_named(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home.root)
    assert HomePlace(None, {}).find().token == "skep_token"


def test_a_socket_on_which_somebody_listens_goes_before_the_port(home: Home) -> None:
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(home.cycle_socket))
    assert find(home)[2] is None, "nobody listens (any more)"
    listening.listen()
    assert find(home) == ("http://localhost", "skep_token", home.cycle_socket)
    listening.close()


def test_links_in_a_circle_and_the_directory_of_nobody_are_no_home(tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to("about")
    (tmp_path / "about").symlink_to("round")
    for name in (str(tmp_path / "round"), "~nobody-of-this-name"):
        with pytest.raises(HomeUnusable, match="skep init"):
            HomePlace(name, {}).find()


def test_no_home_and_no_daemon_are_told_apart(home: Home, tmp_path: Path) -> None:
    with pytest.raises(HomeUnusable, match="skep init"):
        HomePlace(tmp_path / "none", {}).find()
    home.token.unlink()
    with pytest.raises(Unreachable, match="skep up"):
        find(home)


@pytest.mark.parametrize("change", ["pid", "start", "boot", "nothing"])
def test_the_port_of_a_daemon_that_is_gone_is_not_believed(home: Home, change: str) -> None:
    mine = host_platform.this_process()
    boot, pid, start = mine.boot, mine.pid, mine.start
    process = {
        "pid": f"{boot}/{2**22 + 1}/{start}",
        "start": f"{boot}/{pid}/{start + 1}",
        "boot": f"another/{pid}/{start}",
        "nothing": "",
    }[change]
    private_files.write(home.state / "swarm_port", f"8420 {process}")
    if change in {"start", "boot"} and not host_platform.IS_LINUX:
        pytest.skip("only its number is looked at where there is no /proc")
    with pytest.raises(Unreachable, match="is gone"):
        find(home)


@pytest.mark.parametrize("name", ["execution_token", "swarm_port"])
def test_a_file_that_others_could_have_written_is_not_believed(home: Home, name: str) -> None:
    path = home.state / name
    path.chmod(0o644)
    with pytest.raises(HomeUnusable, match="chmod 600"):
        find(home)
    path.rename(path.with_name("elsewhere"))
    (home.state / "elsewhere").chmod(0o600)
    path.symlink_to("elsewhere")
    with pytest.raises(HomeUnusable):
        find(home)


@pytest.mark.parametrize("text", ["x", "0 b/1/1", "65536 b/1/1", "-1"])
def test_a_port_that_is_none_is_refused(home: Home, text: str) -> None:
    private_files.write(home.state / "swarm_port", text)
    with pytest.raises(HomeUnusable, match="start Skep again"):
        find(home)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com:8420", "http://192.168.1.7:8420", "http://0.0.0.0:8420", "https://127.0.0.1:8420",
        "http://127.0.0.1.example.com", "http://127.0.0.1@example.com", "http://me:x@127.0.0.1:1", "file:///etc",
        "http://127.0.0.1:8420/api", "http://127.0.0.1:8420/?a=1", "http://[::2]:1", "127.0.0.1:8420", "", "http://:",
    ],
)  # fmt: skip
def test_an_address_elsewhere_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused, match="url: "):
        Skep(url=url, token="t")


@pytest.mark.parametrize("url", ["http://127.0.0.1:8420", "http://localhost:8420/", "http://[::1]:8420"])
def test_an_address_of_this_machine_is_taken(url: str) -> None:
    assert fixed(url, "t").find().url == url.rstrip("/")


def test_what_goes_together_is_given_together(tmp_path: Path) -> None:
    for given, told in (
        ({"url": "http://127.0.0.1:1"}, "token: is missing"),
        ({"token": "t"}, "goes with url"),
        ({"home": tmp_path, "url": "http://127.0.0.1:1", "token": "t"}, "either the home"),
        ({"url": "http://127.0.0.1:1", "token": "a\nb"}, "token: must be"),
    ):
        with pytest.raises(AddressRefused, match=told):
            Skep(**given)
