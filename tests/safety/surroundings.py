"""What lies around a jail and must stay out of reach: files, sockets, processes."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from settings import Home

#: Stands in every file that must not be read.
SECRET = "nobody-in-a-sandbox-may-see-this"


@dataclass
class Surroundings:
    """Where everything is."""

    home: Home
    #: a directory beside the home, as a person's own
    person: Path
    tcp_port: int = 0
    udp_port: int = 0
    unix_socket: str = ""
    abstract: str = ""
    #: what arrived at one of the sockets
    servers: list[socket.socket] = field(default_factory=list)

    def arguments(self) -> list[str]:
        """For the programs inside: `attempts.PREAMBLE` names them."""
        return [
            str(self.home.root),
            str(self.person),
            str(os.getpid()),
            str(self.tcp_port),
            str(self.udp_port),
            self.unix_socket,
            self.abstract,
        ]

    def secrets(self) -> list[Path]:
        """Files with the secret in them."""
        home = self.home
        named = [home.token, home.database, home.state / "audit.jsonl", home.queue_file]
        return [*named, home.root / "skep.toml", self.person / ".ssh" / "id"]

    def is_untouched(self) -> bool:
        """Whether nothing was written, and nobody knocked."""
        heard = any(_has_heard(server) for server in self.servers)
        whole = all(path.read_text() == SECRET for path in self.secrets())
        expected = {".swarm", "queue.json", "skep.toml", "workspace"}
        return whole and not heard and {path.name for path in self.home.root.iterdir()} == expected


@contextmanager
def surroundings(home: Home, beside: Path) -> Iterator[Surroundings]:
    """Furnish a home that exists, and what is beside it."""
    around = Surroundings(home, beside / "person")
    (around.person / ".ssh").mkdir(parents=True)
    for path in around.secrets():
        path.write_text(SECRET)
    (home.workspace / "own.txt").write_text("its own\n")
    (home.workspace / "link-out").symlink_to(around.person / ".ssh" / "id")
    (home.workspace / "link-state").symlink_to(home.state)
    _make_git(home.workspace / ".git")
    with ExitStack() as opened:
        _listen(around, opened)
        yield around


def _make_git(folder: Path) -> None:
    (folder / "hooks").mkdir(parents=True)
    (folder / "config").write_text("[core]\n\trepositoryformatversion = 0\n")
    (folder / "HEAD").write_text("ref: refs/heads/main\n")


def _listen(around: Surroundings, opened: ExitStack) -> None:
    tcp = socket.create_server(("127.0.0.1", 0))
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("127.0.0.1", 0))
    unix, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    around.unix_socket = str(around.home.workspace / "s")
    around.abstract = f"skep-test-{os.getpid()}-{id(around)}"
    unix.bind(around.unix_socket)
    abstract.bind(f"\0{around.abstract}")
    around.tcp_port, around.udp_port = tcp.getsockname()[1], udp.getsockname()[1]
    for server in (unix, abstract):
        server.listen()
    for server in (tcp, udp, unix, abstract):
        server.setblocking(False)
        around.servers.append(opened.enter_context(server))


def _has_heard(server: socket.socket) -> bool:
    try:
        if server.type == socket.SOCK_DGRAM:
            server.recv(1)
        else:
            server.accept()[0].close()
    except BlockingIOError:
        return False
    return True
