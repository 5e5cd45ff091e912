"""Whatever happens to a workspace: every checkpoint brings back exactly the files it was made of."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from review.checkpoints.keeping import Keeper
from review.checkpoints.restoring import Rollback
from settings import Home, Settings
from store.sqlite_store import SqliteStore

NAMES = ["a", "b.txt", "dir/a", "dir/b", "dir/sub/c", "x/y"]
#: A name, and what becomes of it: new content, nothing, a link, or a program.
Change = tuple[str, bytes | None]
CHANGES = st.tuples(st.sampled_from(NAMES), st.one_of(st.none(), st.binary(max_size=40)))
ROUNDS = st.lists(st.lists(CHANGES, max_size=5), min_size=2, max_size=5)


def change(workspace: Path, name: str, content: bytes | None) -> None:
    path = workspace / name
    path.unlink(missing_ok=True)
    if content is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if content[:1] == b"L":
        path.symlink_to(content[1:].hex() or "nowhere")
        return
    path.write_bytes(content)
    path.chmod(0o755 if content[:1] == b"X" else 0o644)


def state(workspace: Path) -> dict[str, tuple[str, bytes]]:
    found = {}
    for path in workspace.rglob("*"):
        name = str(path.relative_to(workspace))
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()).encode())
        elif path.is_file():
            found[name] = ("program" if path.stat().st_mode & 0o100 else "file", path.read_bytes())
    return found


@settings(max_examples=12, deadline=None)
@given(rounds=ROUNDS)
def test_every_checkpoint_brings_back_what_it_was_made_of(rounds: list[list[Change]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        home.workspace.mkdir()
        with SqliteStore(home, Settings()) as store:
            keeper = Keeper(home, Settings(), store)
            kept = {}
            for changes in rounds:
                for name, content in changes:
                    change(home.workspace, name, content)
                with keeper.lock:
                    kept[keeper.keep("baseline")] = state(home.workspace)
            for number, files in reversed(kept.items()):
                rollback = Rollback(home, store, keeper, number, to_before=False, all_of_it=True)
                steps, _ = rollback.restore("test")
                assert not [step for step in steps if step.action == "leave"]
                assert state(home.workspace) == files
