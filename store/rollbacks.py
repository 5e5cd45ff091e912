"""What the store knows of a rollback of files: that it began, that it ended, or that it broke off half-way.

That it began is durable before its first file changes. While it runs it holds the lock of rollbacks; one that
is still noted with that lock free is dead. Then a person is asked once, and the question stands until
somebody finished the rollback, undid it, or said that the files may stay as they are.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from clock import to_local_text, to_rfc3339
from store import decisions
from store.records import Question
from store.transaction import Transaction

#: Under which key the store notes the rollback that is under way.
BEGUN: Final = "rollback_begun"
#: The kind of these decisions, and the one thing that may be answered.
KIND: Final = "rollback"
LEAVE: Final = "leave"
OPTIONS: Final = (LEAVE,)
#: What a plain no says; it is no answer, for only a rollback changes files.
CHANGE: Final = "change"
#: Why one broke off whose process cannot tell any more.
DIED: Final = "its process ended before it did"


@dataclass(frozen=True, slots=True)
class Begun:
    """A rollback that began."""

    #: number of the checkpoint that files are brought back to
    checkpoint: int
    #: the task of that checkpoint; none: it is of no task
    task_id: str | None
    #: id of the commit that files are brought back to; none: the empty workspace
    commit: str | None
    to_before: bool
    all_of_it: bool
    #: files that it is to change
    count: int
    #: number of the checkpoint that holds the state before it
    kept_as: int
    #: who began it
    by: str
    #: when, Unix seconds
    at: float

    @property
    def goal(self) -> str:
        """How the files are where it has ended."""
        before = f"files are as last kept before checkpoint {self.checkpoint}"
        return before if self.to_before else f"files are as checkpoint {self.checkpoint} kept them"

    @property
    def again(self) -> str:
        """The command line that shows what is left of it; with ``--yes`` it finishes it."""
        flags = [name for name, is_on in (("--before", self.to_before), ("--all", self.all_of_it)) if is_on]
        return " ".join(["skep rollback", f"checkpoint:{self.checkpoint}", *flags])

    @property
    def undo(self) -> str:
        """The command line that shows what undoing it would change; with ``--yes`` it undoes it."""
        return f"skep rollback checkpoint:{self.kept_as} --all"

    @property
    def one_answer(self) -> str:
        """That nothing but `LEAVE` can be answered, and what changes the files."""
        return (
            f"Of a rollback that broke off choose one of {LEAVE}: then its files stay as they are. "
            f"Only another rollback changes them: `{self.again} --yes` finishes it, "
            f"`{self.undo} --yes` undoes it."
        )

    @property
    def sentence(self) -> str:
        """That it broke off, and the ways out."""
        of = f"checkpoint {self.checkpoint}" if self.task_id is None else self.task_id
        files = "1 file" if self.count == 1 else f"{self.count:,} files"
        return (
            f"A rollback of {of} that {self.by} began at {to_local_text(self.at)} broke off: it was to "
            f"change {files}, and how many it did is not known. `{self.again} --yes` finishes it; "
            f"`{self.undo} --yes` undoes it, and with it what else changed in the workspace since. "
            "Each shows what it would change where --yes is left away."
        )

    def as_json(self) -> dict[str, Any]:
        """The same for programs, with the sentence."""
        return asdict(self) | {"at": to_rfc3339(self.at), "told": self.sentence}


def begin(tx: Transaction, begun: Begun) -> None:
    """A rollback is about to change its first file."""
    tx.set_meta(BEGUN, json.dumps(asdict(begun)))
    reason = f"from then on {begun.goal}; the state until then is checkpoint {begun.kept_as}"
    tx.audit("rollback", "allowed", actor=begun.by, task_id=begun.task_id, count=begun.count, reason=reason)
    _tell(tx, "rollback.began", begun, begun.count, reason)


def end(tx: Transaction, begun: Begun, count: int, left: int) -> None:
    """A rollback has ended: `count` files were changed, `left` that differ were left as they are."""
    tx.run("delete_meta", key=BEGUN)
    tx.audit("rollback", "recorded", actor=begun.by, task_id=begun.task_id, count=count, reason=begun.goal)
    reason = f"{begun.goal}; the state until then is checkpoint {begun.kept_as}"
    _tell(tx, "checkpoint.restored", begun, count, reason)
    if not left:
        settle(tx, begun.by, begun.checkpoint, to_before=begun.to_before, all_of_it=begun.all_of_it)


def break_off(tx: Transaction, why: str = DIED) -> None:
    """The rollback that is noted is over and did not end: ask a person, once. Nothing where none is noted."""
    noted = tx.meta(BEGUN)
    if noted is None:
        return
    begun = Begun(**json.loads(noted))
    tx.run("delete_meta", key=BEGUN)
    told = f"{why}; the state before it is checkpoint {begun.kept_as}"
    tx.audit("rollback", "broken_off", actor=begun.by, task_id=begun.task_id, count=begun.count, reason=told)
    _tell(tx, "rollback.broken_off", begun, begun.count, f"{why}. {begun.sentence}")
    question = f"{begun.sentence} May the files stay as they are?"
    decisions.ask(tx, Question(KIND, question, OPTIONS, asdict(begun)))


def settle(tx: Transaction, by: str, checkpoint: int, *, to_before: bool, all_of_it: bool) -> None:
    """A rollback left nothing undone: close the questions about those it finished or undid.

    It finished every one like it. Where it brought the whole workspace back to how a checkpoint kept it, it
    undid all that began from there on.
    """
    for row in tx.all("open_decisions_of_kind", kind=KIND):
        broken = Begun(**json.loads(row["payload"]))
        like = (broken.checkpoint, broken.to_before, broken.all_of_it) == (checkpoint, to_before, all_of_it)
        if like or (all_of_it and not to_before and broken.kept_as >= checkpoint):
            decisions.withdraw_one(tx, row, by)


def _tell(tx: Transaction, event: str, begun: Begun, count: int, reason: str) -> None:
    tx.emit(
        event,
        task_id=begun.task_id,
        checkpoint_number=begun.checkpoint,
        commit=begun.commit,
        count=count,
        kept_as=begun.kept_as,
        source=begun.by,
        reason=reason,
    )
