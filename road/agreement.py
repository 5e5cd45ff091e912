"""The question whether a command may run at all, as a person is asked it: its words, variables and rights."""

from __future__ import annotations

import dataclasses
import shlex
from typing import Any, Final

from redaction import clean
from safety.work import Approved
from store import agreements
from store.records import Claim, Question

#: Characters of the command that stand in the question itself; all of it is shown beside it.
SHOWN_CHARS: Final = 400


def question(claim: Claim, approved: Approved) -> Question:
    """May this run? The decision binds to every byte of the payload.

    The command stands last: whoever wrote it cannot make its words look like ours.
    """
    line = clean(shlex.join(approved.argv))
    shown = line if len(line) <= SHOWN_CHARS else f"{line[:SHOWN_CHARS]}... ({len(line):,} characters)"
    who = f"The profile {claim.task.profile}" if claim.task.profile else "Its program"
    return Question(
        kind=agreements.KIND,
        question=f"May {claim.id} run? {who} asks for a person's leave, with {_rights(approved)}. "
        f"(skep approve {claim.id} lets it run, skep reject {claim.id} --reason ... does not; "
        f"skep show {claim.id} tells every word.) It would run: {shown}",
        options=agreements.OPTIONS,
        payload=_payload(claim, approved),
    )


def _payload(claim: Claim, approved: Approved) -> dict[str, Any]:
    return {
        "task": claim.id,
        "profile": claim.task.profile,
        "approved": approved.digest,
        "argv": list(approved.argv),
        "environment": dict(approved.environment),
        "rights": dataclasses.asdict(approved.rights),
    }


def _rights(approved: Approved) -> str:
    """What it could reach, in a few words."""
    rights = approved.rights
    told = ["the workspace to write" if rights.workspace == "write" else "the workspace to read"]
    told.append("the network" if rights.network else "no network")
    if rights.write_paths:
        told.append(f"{', '.join(rights.write_paths)} to write")
    if rights.read_paths:
        told.append(f"{', '.join(rights.read_paths)} to read")
    if rights.environment_keys:
        told.append(f"the variables {', '.join(rights.environment_keys)}")
    return ", ".join(told)
