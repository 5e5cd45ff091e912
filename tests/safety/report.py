"""``make safety-report``: sends the whole corpus to the faces, and writes what came of it into the documents.

Misses (hostile, and got through) and false alarms (honest, and refused) are counted for each face and family,
and for each half. ``--look`` only prints, and leaves ``docs/security.md`` and
the list of what is known (``known``) as they are. ``--tell`` also names
every wrong verdict of the tuning half, with its text. The exit code is 1 where a verdict is wrong that was
not known to be.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from testing.running_daemon import REPOSITORY
from tests.safety import check_face, corpus, faces, known
from tests.safety.corpus import FACES, Entry
from tests.safety.verdicts import Verdict, wrong

PAGE: Final = REPOSITORY / "docs" / "security.md"
_PART: Final = re.compile(r"(<!-- measured: safety-report -->\n).*?(<!-- measured: end -->)", re.DOTALL)


def measure(folder: Path) -> list[Verdict]:
    """Every verdict on the whole corpus."""
    checked = corpus.load("prompts", "commands", "secrets")
    return [
        *faces.ask_check(folder / "check", checked),
        *faces.ask_queue(folder / "queue", corpus.load("queue_files")),
        *faces.ask_http(folder / "http", corpus.load("http")),
    ]


def table(column: str, groups: Iterable[tuple[str, str, list[Verdict]]]) -> str:
    """A Markdown table with a row for each face and group of verdicts."""
    columns = ("face", column, "hostile", "missed", "honest", "refused")
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return "\n".join([*lines, *(_row(*group) for group in groups)])


def families(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, str, list[Verdict]]]:
    """The verdicts by face and family."""
    for face, name in dict.fromkeys((each.entry.face, each.entry.family) for each in verdicts):
        yield face, name, [each for each in verdicts if (each.entry.face, each.entry.family) == (face, name)]


def halves(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, str, list[Verdict]]]:
    """The verdicts by face and half, and all of each half."""
    for face in (*FACES, "all"):
        for half in ("tuning", "held out"):
            of_face = [each for each in verdicts if face in {"all", each.entry.face}]
            yield face, half, [each for each in of_face if each.entry.half == half]


def _row(face: str, group: str, verdicts: Sequence[Verdict]) -> str:
    hostile = sum(each.must_be_stopped for each in verdicts)
    honest = sum(each.entry.allowed for each in verdicts)
    misses = sum(each.is_miss for each in verdicts)
    alarms = sum(each.is_false_alarm for each in verdicts)
    names = (face.replace("_", " "), group.replace("_", " "))
    return f"| {' | '.join([*names, *_pair(hostile, misses), *_pair(honest, alarms)])} |"


def _pair(count: int, bad: int) -> tuple[str, str]:
    return (str(count), str(bad)) if count else ("", "")


def part(verdicts: Sequence[Verdict]) -> str:
    """What stands between the marks of the page."""
    inputs = [each.entry for each in verdicts]
    tables = [table("half", halves(verdicts)), table("family", families(verdicts))]
    return "\n\n".join([opening(inputs), standing(verdicts), *tables, ""])


def standing(verdicts: Iterable[Verdict]) -> str:
    """How many verdicts are known to be wrong."""
    kinds = Counter(each.kind for each in verdicts if each.is_wrong)
    told = ", ".join(f"{kinds[kind]} {kind}" for kind in ("missed", "false alarm", "other rule"))
    return f"Known to be wrong, and listed by id in `known.jsonl`: {told}."


def opening(entries: Iterable[Entry]) -> str:
    """The line over the table; a test holds it against the corpus, so that old figures are noticed."""
    entries = list(entries)
    return f"Measured with {len(entries)} inputs; the corpus is `{corpus.digest()}`."


def write(verdicts: Sequence[Verdict]) -> None:
    """Put the figures into the page."""
    text = PAGE.read_text("utf-8")
    PAGE.write_text(_PART.sub(lambda found: f"{found[1]}\n{part(verdicts)}{found[2]}", text), "utf-8")


def tell(verdicts: Iterable[Verdict]) -> list[str]:
    """Every wrong verdict of the half that may be looked at, with what was sent."""
    lines = []
    for each in verdicts:
        if each.entry.half == "tuning":
            lines += [f"{line}\n    {_shown(each.entry)}" for line in wrong([each])]
    return lines


def _shown(entry: Entry) -> str:
    sent = check_face.text_of(entry) if entry.text else entry.file or entry.request
    return f"{entry.why}; should answer: {', '.join(sorted(entry.rules)) or '-'}; sent: {ascii(sent)[:600]}"


def main(arguments: Sequence[str]) -> int:
    """Measure, print, write; 1 where a verdict is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument(
        "--look", action="store_true", help="print alone, and leave docs/security.md as it is"
    )
    parser.add_argument("--tell", action="store_true", help="name the wrong verdicts of the tuning half")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        verdicts = measure(Path(folder))
    print(part(verdicts).rstrip())
    for line in tell(verdicts) if options.tell else []:
        print(line)
    news = known.news(verdicts)
    if not options.look:
        write(verdicts)
        known.write(verdicts)
    return 1 if any(each.is_wrong for each in verdicts) and news else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
