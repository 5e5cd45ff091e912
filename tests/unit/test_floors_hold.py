"""The house has floors: a room imports only from floors below its own, and nothing goes in a circle.

The rooms are top-level modules and packages. `FLOORS` is the whole plan; everything below it only reads the
imports with `ast` and holds them against the plan. A room that is not in the plan fails, so that nobody
adds one without saying where it belongs.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parents[2]

#: From the roof to the ground. Rooms on one floor do not know each other, but for `NEIGHBOURS`.
FLOORS: list[set[str]] = [
    {"skep"},
    {"commands"},
    {"control_panel"},
    {"panel"},
    {"doctor"},
    {"worker", "swarm", "supervisor"},
    {"missions", "gates", "foundry", "road", "execution"},
    {"runs"},
    {
        "safety",
        "planning",
        "tool_router",
        "review",
        "enrichment",
        "context",
        "cost",
        "llm",
        "localhost",
        "telemetry",
    },
    {"toolbox"},
    {"store"},
    {"daemon_log", "process_home"},
    {"setting_sources", "settings_file"},
    {"config_files"},
    {"settings", "host_platform"},
    {"attempts"},
    {"runtime_contract"},
    {"expectations", "run_contract", "statuses", "task_times"},
    {"schema_references"},
    {"task_errors"},
    {
        "audit_events",
        "errors",
        "events",
        "limits",
        "work_context",
        "clock",
        "collecting",
        "sentences",
        "faults",
        "money",
        "open_files",
        "outcome",
        "path_names",
        "redaction",
        "stopping",
        "unseen",
    },
]

#: Which room may look at which others on its own floor.
NEIGHBOURS: dict[str, set[str]] = {
    "safety": {"cost", "llm"},  # the gateway reserves the worst case, then lets the model be called
    "review": {"context", "llm", "planning"},  # a model that judges is told the intent, in envelopes
    "telemetry": {"llm"},  # what is sent away goes where a model server may be
    # what fits into a prompt is counted in tokens; foreign text is defused
    "context": {"cost", "safety", "tool_router"},
    "tool_router": {"cost"},  # what a tool adds or saves is counted in tokens
}

#: Doubles for tests. They may use any room; no room may use them.
STAGE = "testing"

#: Folders and modules that are not part of the house.
OUTSIDE = {
    "tests",
    "benchmarks",
    "examples",
    "sdk",
    "docs",
    "build",
    "dist",
    "workspace",
    "inbox",
    "conflicts",
}

LEVEL = {room: len(FLOORS) - number for number, floor in enumerate(FLOORS) for room in floor}


@dataclass(frozen=True)
class Import:
    """One module names another; `for_types` when only a type checker sees it."""

    importer: str
    imported: str
    line: int
    for_types: bool


def room_of(module: str) -> str:
    return module.partition(".")[0]


def modules(home: Path) -> dict[str, Path]:
    """Every module of the house by its dotted name; a package goes by its own name."""
    found = {}
    for path in home.rglob("*.py"):
        parts = path.relative_to(home).with_suffix("").parts
        if parts[0] in OUTSIDE or parts[0].startswith("."):
            continue
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(home: Path) -> Iterator[Import]:
    known = modules(home)
    for module, path in known.items():
        tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
        for_types = {id(node) for block in ast.walk(tree) if _is_for_types(block) for node in ast.walk(block)}
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for node in ast.walk(tree):
            for name in _names(node, package, known):
                yield Import(module, name, getattr(node, "lineno", 0), id(node) in for_types)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _names(node: ast.AST, package: str, known: dict[str, Path]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            ancestors = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*ancestors, base] if base else ancestors)
        for alias in node.names:
            # `from store import reader` names a module; `from store import Store` names the package.
            yield f"{base}.{alias.name}" if f"{base}.{alias.name}" in known else base


def trespasses(home: Path) -> list[str]:
    """What breaks the plan, one sentence each."""
    found = []
    for each in imports(home):
        here, there = room_of(each.importer), room_of(each.imported)
        if here == there or here not in LEVEL:
            continue
        where = f"{each.importer} line {each.line} imports {each.imported}"
        if there in {STAGE, "tests", "benchmarks"}:
            found.append(f"{where}, which is for tests only")
        elif there in LEVEL and LEVEL[there] > LEVEL[here]:
            found.append(f"{where}, which is on a floor above")
        elif there in LEVEL and LEVEL[there] == LEVEL[here] and there not in NEIGHBOURS.get(here, set()):
            found.append(f"{where}, which is on the same floor")
    return sorted(found)


def circles(home: Path) -> list[str]:
    """Modules that need each other, each circle once. What only a type checker sees does not count."""
    packages = {name for name, path in modules(home).items() if path.name == "__init__.py"}
    needs: dict[str, set[str]] = {}
    for each in imports(home):
        # A package hands on the names of its modules, which is no circle.
        if not each.for_types and each.importer not in packages:
            needs.setdefault(each.importer, set()).add(each.imported)
    found: dict[frozenset[str], str] = {}
    done: set[str] = set()

    def walk(module: str, path: list[str]) -> None:
        if module in path:
            circle = [*path[path.index(module) :], module]
            found.setdefault(frozenset(circle), " -> ".join(circle))
        elif module not in done:
            for needed in sorted(needs.get(module, ())):
                walk(needed, [*path, module])
            done.add(module)

    for module in sorted(needs):
        walk(module, [])
    return sorted(found.values())


def rooms(home: Path) -> set[str]:
    return {room_of(module) for module in modules(home)}


def test_every_room_imports_only_from_floors_below() -> None:
    assert trespasses(HOME) == []


def test_no_modules_go_in_a_circle() -> None:
    assert circles(HOME) == []


def test_every_room_has_a_floor() -> None:
    assert rooms(HOME) - set(LEVEL) - {STAGE} == set()


def test_neighbours_share_a_floor_and_do_not_look_back() -> None:
    for room, others in NEIGHBOURS.items():
        assert all(LEVEL[other] == LEVEL[room] for other in others)
        assert all(room not in NEIGHBOURS.get(other, set()) for other in others)


def test_what_is_packaged_is_the_house() -> None:
    config = tomllib.loads((HOME / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    packaged = {room_of(pattern) for pattern in config["setuptools"]["packages"]["find"]["include"]}
    packaged |= set(config["setuptools"]["py-modules"])
    assert packaged - {"config"} == set(LEVEL) | {STAGE}
    assert packaged | {"tests"} == set(config["ruff"]["lint"]["isort"]["known-first-party"])


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for room in ("store", "llm", "safety", "testing"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("store/writer.py", "import worker", "store.writer line 1 imports worker, which is on a floor above"),
        # A lazy import and one for types name the room above all the same.
        (
            "store/writer.py",
            "def f():\n    from llm import chat",
            "line 2 imports llm, which is on a floor above",
        ),
        (
            "store/writer.py",
            "if TYPE_CHECKING:\n    import llm",
            "line 2 imports llm, which is on a floor above",
        ),
        ("llm/chat.py", "from safety import redaction", "imports safety, which is on the same floor"),
        ("llm/chat.py", "from ..safety import redaction", "imports safety, which is on the same floor"),
        ("worker.py", "from testing import clock", "imports testing, which is for tests only"),
        ("worker.py", "import store, llm.chat", None),
        ("safety/gateway.py", "import llm", None),
        ("testing/clock.py", "import worker", None),
        ("tests/test_x.py", "import testing", None),
    ],
)
def test_a_trespass_is_named(house: Path, path: str, source: str, complaint: str | None) -> None:
    (house / path).parent.mkdir(exist_ok=True)
    (house / path).write_text(source, encoding="utf-8")

    found = trespasses(house)

    if complaint is None:
        assert found == []
    else:
        assert len(found) == 1
        assert complaint in found[0]


def test_a_circle_is_named_once(house: Path) -> None:
    (house / "store/reader.py").write_text("from store import writer", encoding="utf-8")
    (house / "store/writer.py").write_text("def f():\n    import store.rows", encoding="utf-8")
    (house / "store/rows.py").write_text("from store.reader import Reader", encoding="utf-8")

    assert circles(house) == ["store.reader -> store.writer -> store.rows -> store.reader"]


def test_a_package_that_hands_on_names_is_no_circle(house: Path) -> None:
    (house / "store/__init__.py").write_text("from store.reader import Reader", encoding="utf-8")
    (house / "store/reader.py").write_text("from store import rows", encoding="utf-8")
    (house / "store/rows.py").write_text("if TYPE_CHECKING:\n    import store.reader", encoding="utf-8")

    assert circles(house) == []
