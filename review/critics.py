"""Deterministic critics: facts about an outcome that need no opinion. Cheap, and asked first.

A critic that cannot do its work is no approval: its trouble is a finding like any other, and a person is
asked. File critics look only beneath the workspace.
"""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from outcome import CriticVerdict, Outcome, Verdict
from path_names import real_path
from redaction import clean
from review import apart
from review.intent_critic import Finding, compare
from review.own_must_nots import own_must_nots
from runtime_contract import Expect, Task
from store.subtasks import own_words
from unseen import is_blank

CONFIDENCE_APPROVED: Final = 0.95
CONFIDENCE_REJECTED: Final = 0.9
MOST_FINDINGS: Final = 10
LONGEST_FINDING: Final = 500  # characters; findings go into the next prompt
LONGEST_NAME: Final = 200  # characters of a file's name that are shown
#: Why a file cannot be opened that is not there, or not by that name.
_MISSING: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})
_WORST_FIRST: Final = ("REJECT", "HELD", "APPROVE")


class CannotJudge(Exception):
    """A critic could not do its work, so a person has to."""


@dataclass(frozen=True)
class Work:
    """What the critics look at."""

    task: Task
    outcome: Outcome
    #: everything the attempt printed or answered
    text: str
    workspace: Path
    #: of a part of a split task the intent of the whole, as it is stored; none for a task that runs as one
    intent: Mapping[str, Any] | None = None


Critic = Callable[[Work], Iterator[str]]


def judge(work: Work) -> Verdict:
    """The verdict of the deterministic critics. With ``review: none`` only the plain facts are looked at."""
    issues: list[str] = []
    troubles: list[str] = []
    is_reviewed = work.task.review != "none"
    for critic in CRITICS if is_reviewed else (_ran_to_its_end,):
        try:
            issues += [clean(issue)[:LONGEST_FINDING] for issue in critic(work)]
        except Exception as error:
            trouble = f"could not judge whether {CRITICS[critic]}: {_words_of(error)}"
            troubles.append(clean(trouble)[:LONGEST_FINDING])
    if issues:
        return Verdict(decision="REJECT", confidence=CONFIDENCE_REJECTED, issues=issues + troubles)
    if troubles:
        return Verdict(decision="HELD", confidence=0.0, issues=troubles)
    if not is_reviewed:
        return Verdict(decision="APPROVE", confidence=0.0, reviewer="none")
    return Verdict(decision="APPROVE", confidence=CONFIDENCE_APPROVED)


def _words_of(error: Exception) -> str:
    """An error in words; what the system says of a file without its path, which is no business of a task."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) or type(error).__name__


def together(first: Verdict, found: list[CriticVerdict]) -> Verdict:
    """The verdict of the deterministic critics and of those asked after them: as good as the worst of it.

    Whatever one of them says, it can only take from what the others accepted.
    """
    if not found:
        return first
    own = CriticVerdict(critic="critics", decision=first.decision, confidence=first.confidence)
    worst = min((own, *found), key=lambda each: _WORST_FIRST.index(each.decision))
    return first.model_copy(
        update={
            "decision": worst.decision,
            "confidence": min(each.confidence for each in (own, *found) if each.decision == worst.decision),
            "issues": [issue for each in found for issue in each.issues],
            "critics": [own, *found],
        }
    )


def each_of(verdict: Verdict) -> list[CriticVerdict]:
    """What each critic said: of a verdict of the deterministic ones alone, their one word."""
    if verdict.critics or verdict.reviewer == "none":
        return verdict.critics
    return [
        CriticVerdict(critic="critics", **verdict.model_dump(include={"decision", "confidence", "issues"}))
    ]


def _ran_to_its_end(work: Work) -> Iterator[str]:
    outcome = work.outcome
    if outcome.timed_out:
        yield f"it did not end within {_seconds(_limit_of(work))}"
    elif outcome.failure is not None and outcome.failure.code.endswith("_limit"):
        yield outcome.failure.message
    elif outcome.exit_code is not None and outcome.exit_code < 0:
        yield f"the command was ended by signal {-outcome.exit_code}"
    elif outcome.exit_code:
        last = work.text.strip().splitlines()[-1:] or ["it printed nothing"]
        yield f"the command ended with exit code {outcome.exit_code}: {last[0]}"
    elif outcome.status != "completed":
        yield outcome.failure.message if outcome.failure else "it did not come to its end"


def _limit_of(work: Work) -> float:
    """Seconds it was given, where the task says so; else how long it ran."""
    return work.task.timeout_s or round(work.outcome.ended_at - work.outcome.started_at)


def _seconds(count: float) -> str:
    told = f"{count:g}"
    return f"{told} {'second' if told == '1' else 'seconds'}"


def _is_whole(work: Work) -> Iterator[str]:
    """An answer is its text; of a command only what somebody expects of its text is judged by it."""
    if work.outcome.mode == "llm" and work.outcome.status == "completed":
        _check_whole(work)
    yield from ()


def _check_whole(work: Work) -> None:
    """Raise `CannotJudge` where a part of the text was not kept: over the cap, or for want of room."""
    if work.outcome.output_cut:
        raise CannotJudge(
            f"{work.outcome.output_cut:,} more bytes were not kept, and nobody knows what they said"
        )


def _is_not_empty(work: Work) -> Iterator[str]:
    outcome = work.outcome
    is_answer = outcome.mode == "llm" and outcome.status == "completed" and not outcome.output_cut
    if is_answer and is_blank(work.text):
        yield "the answer is empty"


def _has_its_files(work: Work) -> Iterator[str]:
    for name in work.task.expect.files:
        path = _beneath(work.workspace, name)
        if path is None or not path.is_dir():
            yield from _is_no_file(path, name, "neither a file nor a folder")


def _is_no_file(path: Path | None, name: str, what: str) -> Iterator[str]:
    if path is None:
        yield f"the file {name!r} does not exist in the workspace"
    elif not path.is_file():
        yield f"{name!r} in the workspace is {what}"


def _is_json(work: Work) -> Iterator[str]:
    expect = work.task.expect
    if expect.format != "json" and expect.json_schema is None:
        return
    _check_whole(work)
    try:
        value = json.loads(bare_answer(work.text), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        yield f"the answer is not JSON from line {error.lineno}, column {error.colno} on"
        return
    except RecursionError:
        raise CannotJudge("the answer is nested too deeply to be read") from None
    except ValueError as error:
        is_number = "integer string conversion" in str(error)  # Python's own words for it are for programmers
        yield f"the answer is not JSON: {'a number in it has too many digits' if is_number else error}"
        return
    if expect.json_schema is not None:
        yield from _schema_errors(value, expect)


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON value")


def _schema_errors(value: object, expect: Expect) -> Iterator[str]:
    for error in apart.schema_errors(value, expect.json_schema or {}, MOST_FINDINGS):
        yield f"the answer breaks its schema {error}"


def _contains_what_it_must(work: Work) -> Iterator[str]:
    expect = work.task.expect
    missing = [text for text in expect.contains if text not in work.text]
    unwanted = [text for text in expect.not_contains if text in work.text]
    if not unwanted and (missing or expect.not_contains):
        _check_whole(work)
    yield from (f"the answer does not contain {text!r}" for text in missing)
    yield from (f"the answer contains {text!r}" for text in unwanted)


def _compiles(work: Work) -> Iterator[str]:
    wanted = work.task.expect.python_compiles
    if wanted is True:
        _check_whole(work)
        yield from _syntax_errors(bare_answer(work.text), "the answer")
    for name in wanted if isinstance(wanted, list) else ():
        path = _beneath(work.workspace, name)
        if path is not None and path.is_file():
            yield from _syntax_errors(_source(path, name), name)
        else:
            yield from _is_no_file(path, name, "no file")


def _syntax_errors(source: str, name: str) -> Iterator[str]:
    error = apart.syntax_error(source, name)
    if error is not None:
        yield error


def _source(path: Path, name: str) -> str:
    """A file's text, if it is a plain file of a size that is looked at."""
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123  a descriptor
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise CannotJudge(f"{name!r} is no plain file")
        data = file.read(apart.MOST_SOURCE_BYTES + 1)
    if len(data) > apart.MOST_SOURCE_BYTES:
        raise CannotJudge(f"{name!r} is larger than {apart.MOST_SOURCE_BYTES:,} bytes")
    return data.decode("utf-8", errors="replace")


def bare_answer(text: str) -> str:
    """An answer without the one Markdown fence many models put around it."""
    lines = text.strip().splitlines()
    if len(lines) >= 2 and lines[0].startswith("```") and lines[-1].strip() == "```":
        return "\n".join(lines[1:-1])
    return text.strip()


def _beneath(workspace: Path, name: str) -> Path | None:
    """Where a named file is, with no link left in it; none where it is missing, or behind links in a circle.

    Raises `CannotJudge` for what no file can be called, and for what may not be looked at.
    """
    try:
        path: Path | None = Path(os.path.realpath(workspace / name, strict=True))
    except ValueError:
        raise CannotJudge(f"{_short(name)} cannot be the name of a file: it holds a null byte") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise CannotJudge(f"{_short(name)} cannot be the name of a file: it is too long") from None
        if error.errno not in _MISSING:
            raise
        path = None
    if not (path or real_path(workspace / name)).is_relative_to(real_path(workspace)):
        raise CannotJudge(f"{_short(name)} lies outside the workspace")
    return path


def _short(name: str) -> str:
    return repr(name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}...")


def _keeps_the_must_nots(work: Work) -> Iterator[str]:
    return (finding.text for finding in _compared(work) if finding.is_violation)


def drift_of(work: Work) -> list[str]:
    """What of a result differs from the intent of the whole, a sentence each; it rejects nothing."""
    try:
        return [clean(each.text)[:LONGEST_FINDING] for each in _compared(work) if not each.is_violation]
    except Exception as error:
        return [f"drift could not be looked for: {str(error) or type(error).__name__}"]


def _compared(work: Work) -> list[Finding]:
    if work.outcome.status != "completed":
        return []
    asked = own_words(work.task.prompt or "")
    if work.intent is not None:
        return compare(work.intent, asked, work.text)[:MOST_FINDINGS]
    rules = own_must_nots(asked) if work.outcome.mode == "llm" else ()
    found = compare({"must_nots": list(rules)}, asked, work.text) if rules else []
    return [each for each in found if each.is_violation][:MOST_FINDINGS]


#: Every critic, in the order they are asked, and what each says, where it can.
CRITICS: Final[Mapping[Critic, str]] = {
    _ran_to_its_end: "it ran to its end",
    _is_whole: "its text is whole",
    _is_not_empty: "the answer is empty",
    _has_its_files: "its files are there",
    _is_json: "the answer is the JSON that is expected",
    _contains_what_it_must: "its text contains what it must",
    _compiles: "its Python compiles",
    _keeps_the_must_nots: "it keeps to what must not be",
}
