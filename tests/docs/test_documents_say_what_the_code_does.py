"""What a page lists is what the code has: settings, fields, events, addresses, verbs, points, errors."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

import skep
from commands import exits
from docs import generate, pictures
from events import EVENT_FIELDS, EVENT_KINDS, EVENT_STATUSES
from faults import FAULT_POINTS
from host_platform import _NETWORK_FILE_SYSTEMS
from review.quality_gates import TRANSITIONS
from runtime_contract import FIELD_ALIASES, MACHINE_KEYS, STATUS_READINGS, Expect, Queue, Status, Task
from safety.command_compiler import Entry
from safety.command_file import shipped_rules
from safety.command_notation import KINDS
from safety.command_policy import CommandPolicy
from safety.profile_file import ProfileTable
from setting_sources import FILES_ONLY
from settings import Home, Settings
from statuses import DONE_ELSEWHERE

HOME = Path(__file__).resolve().parents[2]
DOCS = {path.stem: path.read_text("utf-8") for path in (HOME / "docs").glob("*.md")}


def rows(page: str, columns: int) -> dict[str, list[str]]:
    """The rows of a page's tables of so many columns, by the word in backticks that each begins with."""
    found = {}
    for line in DOCS[page].splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        name = re.match(r"`([^`]+)`", cells[0]) if cells else None
        if len(cells) == columns and name:
            found[name[1]] = cells
    return found


# -- what is generated -------------------------------------------------------------------------------------


def test_no_generated_part_is_stale() -> None:
    assert generate.stale() == [], "run: python docs/generate.py"


def test_a_stale_part_is_named_and_written(tmp_path, monkeypatch, capsys) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- generated: exit-codes -->\nold\n<!-- end -->\nafter\n")
    monkeypatch.setattr(generate, "HERE", tmp_path)

    assert generate.main(["--check"]) == 1
    assert "docs/page.md is stale" in capsys.readouterr().out
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "| 75 |" in text


@pytest.mark.parametrize(
    ("part", "row"),
    [
        ("policy-keys", "| `mode` | `continuous`, `batch` | batch: nothing new starts before"),
        ("context-policy-keys", "| `max_tokens` | integer | tokens of messages, memory and placed answers"),
        ("fork-keys", "| `task` (required) | text | the task from which on everything is done anew |"),
    ],
)
def test_a_field_means_what_its_own_model_says(part: str, row: str) -> None:
    assert row in generate.PARTS[part]()


def test_every_generated_part_stands_on_a_page() -> None:
    used = {name for text in DOCS.values() for name in re.findall(r"<!-- generated: ([a-z-]+) -->", text)}

    assert used == set(generate.PARTS)


def test_it_runs_as_the_program_that_people_call() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=HOME, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_every_file_of_the_road_exists() -> None:
    files = {file for step in pictures.ROAD for file in step.files}

    assert [file for file in files if not (HOME / file).exists()] == []


@pytest.mark.parametrize("picture", ["house.svg", "road.svg"])
def test_a_picture_has_a_title_and_colours_for_dark_pages(picture: str) -> None:
    text = (HOME / "docs" / picture).read_text("utf-8")

    assert "<title" in text
    assert "prefers-color-scheme: dark" in text


# -- settings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_has_a_row_with_its_variable_and_meaning(name: str) -> None:
    row = rows("configuration", 6)[name]

    assert row[4] == ("only in a file" if name in FILES_ONLY else f"`SKEP_{name.upper()}`")
    assert row[5] == Settings.model_fields[name].description


@pytest.mark.parametrize("page", sorted(DOCS))
def test_a_page_names_only_settings_that_exist(page: str) -> None:
    words = set(re.findall(r"`((?:limit|llm|removal|project|queue|log)_[a-z_]+)`", DOCS[page]))
    variables = {name.lower() for name in re.findall(r"\bSKEP_([A-Z_]+)\b", DOCS[page])} - {"home"}
    no_settings = {*EVENT_KINDS, *EVENT_FIELDS}

    assert {word for word in words | variables if word not in Settings.model_fields} - no_settings == set()


# -- the queue file ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", Task.model_fields)
def test_a_field_of_a_task_has_a_row_with_its_default(name: str) -> None:
    field = Task.model_fields[name]
    default = rows("queue", 5)[name][2]

    if field.is_required():
        assert default in {"given", "inferred"}
    elif field.default_factory is not None:
        assert default == "`{}`"
    elif field.default is None:
        assert default == "none"
    else:
        words = field.default if isinstance(field.default, str) else json.dumps(field.default)
        assert default == f"`{words}`"


def test_every_bound_is_told_where_it_binds() -> None:
    told = {name for row in rows("queue", 5).values() for name in re.findall(r"`(limit_\w+)`", row[3])}
    whole_file = {"limit_file_bytes", "limit_depth", "limit_extra_keys"}

    assert told | whole_file == {name for name in Settings.model_fields if name.startswith("limit_")}
    assert all(f"`{name}`" in DOCS["queue"] for name in whole_file)


def test_every_key_at_the_top_has_a_row() -> None:
    assert set(Queue.model_fields) <= rows("queue", 4).keys()


def test_every_key_of_expect_has_a_row() -> None:
    names = {field.alias or name for name, field in Expect.model_fields.items()}

    assert names <= rows("queue", 3).keys()


def test_every_machine_key_has_a_row() -> None:
    assert rows("queue", 2).keys() >= MACHINE_KEYS


def test_every_alias_has_its_place() -> None:
    told = rows("queue", 2)

    for field, aliases in FIELD_ALIASES.items():
        assert re.findall(r"`(\w+)`", told[field][1])[: len(aliases)] == list(aliases)


def test_every_status_and_every_word_for_one_is_told() -> None:
    told = {
        word: (match[2], match[3])
        for line in DOCS["queue"].splitlines()
        if (match := re.fullmatch(r"\| ((?:`\w+`(?:, )?)+) \| `(\w+)` \| `(\w+)` \|", line))
        for word in re.findall(r"`(\w+)`", match[1])
        if {match[2], match[3]} <= set(Status)
    }

    assert set(Status) <= rows("queue", 2).keys()
    assert told == {
        word: ("approved" if word in DONE_ELSEWHERE else status.value, status.value)
        for word, status in STATUS_READINGS.items()
        if word not in set(Status)
    }


# -- events ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*EVENT_KINDS, *EVENT_FIELDS])
def test_an_event_and_a_field_have_their_rows(name: str) -> None:
    assert rows("events", 2)[name][1] == (EVENT_KINDS | EVENT_FIELDS)[name]


def test_every_status_of_an_event_is_told() -> None:
    assert all(f"`{status}`" in DOCS["events"] for status in EVENT_STATUSES)


# -- HTTP --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("app", [generate.swarm_app, generate.panel_app])
def test_every_address_has_a_row(app) -> None:
    told = {
        (method, request.rpartition(" ")[2])
        for request in rows("http", 3)
        for method in request.rpartition(" ")[0].split(", ")
    }

    assert set(generate.routes_of(app())) <= told


def test_every_address_in_an_example_is_one() -> None:
    known = {
        re.sub(r"\{\w+\}", "[^/?]+", address)
        for app in (generate.swarm_app(), generate.panel_app())
        for _, address in generate.routes_of(app)
    }
    called = re.findall(r"http://127\.0\.0\.1:84\d\d(/[\w/.-]+)", DOCS["http"])

    assert len(called) >= 5
    assert [path for path in called if not any(re.fullmatch(address, path) for address in known)] == []


def test_every_error_is_told() -> None:
    told = set(re.findall(r"^\| (\d+) \| `(\w+)` \|", DOCS["http"], re.MULTILINE))

    assert {(str(kind.http_status), kind.code) for kind in generate.error_classes()} == told


def test_every_error_of_the_house_is_known_to_the_page() -> None:
    """A class that is defined in a module which `docs/generate.py` does not import would be missed."""
    known = {kind.__name__ for kind in generate.error_classes()}
    defined = {
        name
        for path in HOME.rglob("*.py")
        if path.relative_to(HOME).parts[0] not in {"tests", "benchmarks", "testing", "sdk"}
        and not path.relative_to(HOME).parts[0].startswith(".")
        for name, parent in re.findall(r"^class (\w+)\((?:errors\.)?(\w+)\):", path.read_text("utf-8"), re.M)
        if parent in known
    }

    assert defined - known == set()


# -- the command line --------------------------------------------------------------------------------------


def with_actions(command: click.Command) -> list[click.Command]:
    """A verb, or in its place the actions it has."""
    if not isinstance(command, click.Group):
        return [command]
    context = click.Context(command)
    found = [command.get_command(context, name) for name in command.list_commands(context)]
    return [each for each in found if each is not None]


def options_of(command: click.Command) -> list[str]:
    names = [name for each in command.params if isinstance(each, click.Option) for name in each.opts]
    return [*names, *(name for each in command.params for name in each.secondary_opts)]


@pytest.mark.parametrize("verb", skep.VERBS)
def test_a_verb_has_its_section_with_every_option(verb: str) -> None:
    section = re.search(rf"^### skep {verb}\n(.*?)(?=^##|\Z)", DOCS["cli"], re.MULTILINE | re.DOTALL)
    command = skep.cli.get_command(click.Context(skep.cli), verb)
    assert section is not None
    assert command is not None
    told = {each: options_of(each) for each in with_actions(command)}
    options = [name for names in told.values() for name in names]

    assert [name for name in options if not re.search(rf"(?<![\w-]){re.escape(name)}\b", section[1])] == []
    missing = [each.name for each, names in told.items() if "--json" not in names]
    assert missing == [], "cli.md says that every verb has --json"


def test_every_exit_code_is_told() -> None:
    codes = {str(value) for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}

    assert codes == set(re.findall(r"^\| (\d+) \| ", DOCS["cli"], re.MULTILINE))


@pytest.mark.parametrize("page", ["README", *sorted(DOCS)])
def test_a_page_names_only_verbs_and_options_that_exist(page: str) -> None:
    text = (HOME / "README.md").read_text("utf-8") if page == "README" else DOCS[page]
    text = re.sub(r"<!-- generated: verbs -->.*?<!-- end -->", "", text, flags=re.DOTALL)
    pieces = re.findall(r"`(skep [^`\n]+)`", text)
    pieces += [
        line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines() if line.startswith("skep ")
    ]  # fmt: skip
    for piece in pieces:
        words = piece.partition("#")[0].split()[1:]
        while words and words[0].startswith("-"):  # of skep itself, before the verb
            words = words[2:] if words[0] == "--home" else words[1:]
        if not words or words[0] in {"VERB", "up`"}:
            continue
        command = skep.cli.get_command(click.Context(skep.cli), words[0])
        assert command is not None, piece
        if isinstance(command, click.Group) and len(words) > 1:
            command = command.get_command(click.Context(command), words[1])
            assert command is not None, piece
        known = {*options_of(command), "--help"}
        given = {word.partition("=")[0] for word in words if re.fullmatch(r"--?[a-z][a-z-]*(=.*)?", word)}
        piped = {"-R"}
        assert given - known - piped == set(), piece


# -- recovery and security ---------------------------------------------------------------------------------


def test_every_status_of_a_change_has_a_row_with_the_ways_on() -> None:
    told = {name: set(re.findall(r"`([a-z0-9_]+)`", cells[2])) for name, cells in rows("review", 3).items()}

    assert {name: told[name] for name in TRANSITIONS} == {
        name: set(ways) for name, ways in TRANSITIONS.items()
    }


def test_every_fault_point_has_a_row() -> None:
    families = {name.partition(".")[0] for name in FAULT_POINTS}
    told = {name for name in rows("recovery", 3) if name.partition(".")[0] in families}

    assert told == set(FAULT_POINTS)


def test_every_program_says_what_it_does_and_has_a_row() -> None:
    programs = shipped_rules().programs

    assert [name for name, rule in programs.items() if not rule.about] == []
    assert programs.keys() <= rows("configuration", 5).keys()
    assert {f"git {name}" for name in programs["git"].subcommands} <= rows("configuration", 3).keys()


def test_every_key_of_an_entry_is_told_at_the_top_of_the_file() -> None:
    head = (HOME / "config" / "commands.toml").read_text("utf-8").partition("\nversion = 1")[0]

    assert [
        name for name in [*Entry.model_fields, "use", "replace"] if not re.search(rf"\b{name}\b", head)
    ] == []
    assert [kind for kind in KINDS if not re.search(rf"\b{kind}\b", head)] == []


def test_every_key_of_a_profile_and_of_an_entry_has_a_row() -> None:
    assert {*Entry.model_fields, *ProfileTable.model_fields} <= rows("configuration", 4).keys()


@pytest.mark.parametrize("number", range(2))
def test_the_examples_of_the_page_are_good(number: int, tmp_path: Path) -> None:
    """The file of commands and the profile that the page shows."""
    page = DOCS["configuration"].partition("## Commands")[2]
    example = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[number]
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "commands.toml").write_text(example)

    policy = CommandPolicy.of_home(Home(tmp_path), Settings())

    assert ("strings" in policy.allowed, "agent" in policy.profiles) == (number == 0, number == 1)


def test_every_network_file_system_is_told_by_its_family() -> None:
    families = {
        "nfs4": "nfs",
        "cifs": "cifs",
        "smb3": "smb",
        "smbfs": "smb",
        "afpfs": "afp",
        "fuse.sshfs": "sshfs",
    }
    row = next(line for line in DOCS["recovery"].splitlines() if line.startswith("| a network file system"))

    assert [kind for kind in _NETWORK_FILE_SYSTEMS if families.get(kind, kind) not in row.lower()] == []


def test_the_defaults_that_the_text_repeats_are_today_s() -> None:
    said = {
        "removal_ask_count": 10,
        "removal_ask_share": 0.2,
        "queue_shown_ended": 1000,
        "log_rotate_bytes": 64 * 1024 * 1024,
        "disk_free_bytes": 32 * 1024 * 1024,
        "backup_interval_s": 3600.0,
        "max_attempts": 3,
        "unreachable_retries": 10,
        "swarm_port": 8420,
        "panel_port": 8421,
    }

    assert {name: getattr(Settings(), name) for name in said} == said


def test_comments_over_fields_are_read() -> None:
    class Example:
        #: the first
        #: of two lines
        one: int = 1
        two: int = 2

    assert generate.comments_of(inspect.getsource(Example)) == {"one": "the first of two lines"}
