"""Tasks as a text to be edited, and back: JSON, with what was wrong in a comment at the top.

The text stands in a file that only its owner can read, because prompts may be private.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from commands import terminal
from errors import InvalidFile, InvalidTask, SkepError
from runtime_contract import Limits, normalize_task
from store.queue_file import strict_json
from store.queue_file.entries import NO_SECRETS, secret_in_a_name

Document = dict[str, Any]

#: Times that the editor is opened for one text.
MOST_TIMES: Final = 100
_COMMENT: Final = "#"
_HEAD: Final = (
    "# Change the tasks below, save, and leave the editor. Lines with # at the top are not read.\n"
    "# A task that is taken out stays as it is; `skep cancel` withdraws one. Ids cannot change.\n"
)


class EditorFailed(SkepError):
    """The editor could not be run, or ended with an error."""

    code = "editor_failed"


def editor(environ: Mapping[str, str]) -> list[str]:
    """The editor to use, with its arguments."""
    chosen = environ.get("VISUAL") or environ.get("EDITOR") or "vi"
    try:
        return shlex.split(chosen)
    except ValueError as error:
        raise EditorFailed(f"The editor {chosen!r} cannot be read: {error}") from error


@contextlib.contextmanager
def edit_path() -> Iterator[Path]:
    """A new file that nobody else can read; gone afterwards."""
    handle, name = tempfile.mkstemp(prefix="skep-edit-", suffix=".json")  # 0600
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def run_editor(command: Sequence[str], path: Path) -> None:
    """Let a person edit the file. Raises `EditorFailed`."""
    try:
        code = subprocess.run([*command, str(path)], check=False).returncode
    except (OSError, ValueError) as error:
        raise EditorFailed(f"{command[0]} cannot be started: {error}; set VISUAL or EDITOR") from error
    if code != 0:
        raise EditorFailed(f"{command[0]} ended with exit code {code}; nothing was changed")


def render(docs: Sequence[Document]) -> str:
    """The text to edit."""
    return _HEAD + terminal.to_json(list(docs)) + "\n"


def with_comment(text: str, problem: str) -> str:
    """The same text under a comment that says what is wrong."""
    told = [f"{_COMMENT} ! {line}" for line in terminal.clean_block(problem).splitlines()]
    body = without_comment(text).lstrip("\n")
    return _HEAD + "\n".join(told) + "\n" + body


def without_comment(text: str) -> str:
    """The text with the comment at its top blanked, so that lines keep their numbers."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.strip() and not line.startswith(_COMMENT):
            break
        lines[number] = ""
    return "\n".join(lines)


def read(text: str, known: Sequence[str], limits: Limits) -> dict[str, Document]:
    """The edited tasks by id. Raises `InvalidFile`, `InvalidTask` with every task that is wrong."""
    parsed = strict_json.parse(without_comment(text).encode("utf-8", "surrogatepass"), limits)
    if not isinstance(parsed, list) or not all(isinstance(each, dict) for each in parsed):
        raise InvalidFile("must be a list of tasks, as it was")
    found: dict[str, Document] = {}
    wrong = []
    for index, doc in enumerate(parsed):
        try:
            found[_id_of(doc, found, known)] = doc
            _, task = normalize_task({**doc, "id": "task"}, limits, f"[{index}]")
            if named := secret_in_a_name(task, f"[{index}]"):
                wrong.append(f"{named}: {NO_SECRETS}")
        except InvalidTask as error:
            wrong.append(error.message)
    if wrong:
        raise InvalidTask("\n".join(wrong))
    return found


def _id_of(doc: Document, found: Mapping[str, Document], known: Sequence[str]) -> str:
    task_id = doc.get("id")
    if not isinstance(task_id, str) or task_id not in known:
        raise InvalidTask(f"{task_id!r} is not one of the tasks that were opened; `skep add` adds tasks")
    if task_id in found:
        raise InvalidTask(f"{task_id!r} stands twice")
    return task_id


def edit_until_good(
    command: Sequence[str], docs: Sequence[Document], check: Callable[[str], dict[str, Document]]
) -> dict[str, Document] | None:
    """Open the editor until what is saved is good; none when nothing was changed.

    Raises what `check` raises when a text that is wrong is saved again as it was, or for the hundredth time:
    an editor may be a program.
    """
    with edit_path() as path:
        shown = render(docs)
        path.write_text(shown, "utf-8")
        opened = 0
        while True:
            opened += 1
            run_editor(command, path)
            saved = path.read_text("utf-8", errors="surrogateescape")
            unchanged = without_comment(saved).strip() == without_comment(shown).strip()
            if opened == 1 and unchanged:
                return None
            try:
                return check(saved)
            except (InvalidFile, InvalidTask) as error:
                if unchanged or opened == MOST_TIMES:
                    raise _given_up(path, error) from error
                shown = with_comment(saved, _told(error))
                path.write_text(shown, "utf-8", errors="surrogateescape")


def _given_up(path: Path, error: SkepError) -> SkepError:
    """The error of a text that stays as wrong as it was; what was written is not thrown away."""
    kept = path.rename(path.with_name(f"kept-{path.name}"))
    return type(error)(
        f"{_told(error).rstrip('.')}. Nothing was changed; what you wrote is in {kept}.", **error.details
    )


def _told(error: SkepError) -> str:
    line = error.details.get("line")
    place = f"line {line}, column {error.details.get('column')}: " if line else ""
    return place + error.message
