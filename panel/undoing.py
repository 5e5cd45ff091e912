"""Undoing a rollback that broke off: its buttons, and the whole workspace as it was before it began."""

from __future__ import annotations

import json
from typing import Any, Final

from errors import NotFound, TransitionNotAllowed
from panel import rollbacks
from panel.addresses import url_for
from panel.context import Panel
from panel.labels import Button
from panel.rollbacks import Wanted
from panel.words import count_of
from store import rollbacks as rollback_facts
from store.rollbacks import Begun

#: Seconds for which the inbox tells how undoing ended, whose card is gone.
LATELY_S: Final = 600.0
_GOES: Final = (
    "All of the workspace is then as it was before: what else anybody changed in it since goes, too, and "
    "files that are new go."
)


def of_decision(here: Panel, decision_id: str) -> Wanted:
    """What undoes the rollback that an open decision asks about.

    Raises `NotFound`, `TransitionNotAllowed` where that question is closed.
    """
    row = here.reader.one("get_decision", id=decision_id)
    if row is None or row["kind"] != rollback_facts.KIND:
        raise NotFound(f"There is no rollback that broke off and asks as {decision_id[:200]!r}.")
    if row["answer"] is not None:
        raise TransitionNotAllowed("That rollback was finished, undone or left as it is already.")
    begun = Begun(**json.loads(row["payload"]))
    kept = f"checkpoint {begun.kept_as}"
    return Wanted(
        subject=("broken", decision_id),
        number=begun.kept_as,
        to_before=False,
        all_of_it=True,
        goal=f"{kept}, which holds the state before the rollback",
        goes=_GOES,
        after=lambda count: (
            f"as {kept} kept {'it' if count == 1 else 'them'}, before the rollback that broke off"
        ),
        line=f"{begun.undo} --yes",
    )


def shown(here: Panel, decision_id: str, begun: Begun) -> dict[str, Any]:
    """The buttons beside the answers to a rollback that broke off, and how undoing it stands."""
    state = rollbacks.state_of(here, "broken", decision_id)
    found = state["result"] or {}
    buttons = [_look(decision_id, begun)]
    if found.get("kind") == "preview" and (found["count"] or not found["left"]):
        buttons.append(_do(decision_id, begun, found))
    return {"decision": decision_id, "buttons": buttons, "state": state}


def of_decisions(here: Panel, decisions: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same of those among decisions that are about one, by their ids."""
    kinds = {each["id"] for each in decisions if each["kind"] == rollback_facts.KIND}
    rows = here.reader.all("open_decisions_of_kind", kind=rollback_facts.KIND) if kinds else []
    return {
        row["id"]: shown(here, row["id"], Begun(**json.loads(row["payload"])))
        for row in rows
        if row["id"] in kinds
    }


def last(here: Panel) -> tuple[object, ...]:
    """What changes with everything that is shown of undoing, without an event."""
    return here.rollback_of, here.rollback.state


def last_of(here: Panel, task_id: str | None = None) -> dict[str, Any] | None:
    """How undoing ended that closed its question; of one task's rollback, or of any lately."""
    kind, decision_id = here.rollback_of
    if task_id is None and here.clock.now() - (here.rollback.state.ended or 0.0) > LATELY_S:
        return None
    row = here.reader.one("get_decision", id=decision_id) if kind == "broken" else None
    if row is None or row["answer"] is None:
        return None
    if task_id is not None and Begun(**json.loads(row["payload"])).task_id != task_id:
        return None
    state = rollbacks.state_of(here, "broken", decision_id)
    return state if (state["result"] or {}).get("kind") == "done" else None


def _look(decision_id: str, begun: Begun) -> Button:
    return Button(
        label="Show what undoing it would change",
        path=url_for("api_undo.look", decision_id=decision_id),
        values={},
        name="undo-look",
        cli=begun.undo,
    )


def _do(decision_id: str, begun: Begun, found: dict[str, Any]) -> Button:
    return Button(
        label="Undo the rollback",
        path=url_for("api_undo.do", decision_id=decision_id),
        ask=_ask(found),
        values={"digest": found["digest"]},
        look="danger",
        name="undo-do",
        cli=f"{begun.undo} --yes",
    )


def _ask(found: dict[str, Any]) -> str:
    """What will happen."""
    if not found["count"]:
        return (
            "Undo the rollback that broke off? All files are as they were before it, so none is changed; its "
            "question is closed."
        )
    sentences = (
        f"Bring {count_of(found['count'], 'file')} of the workspace back to {found['goal']}?",
        found["goes"],
        found["told"],
        "What they hold now is kept as a checkpoint first, and its number is told.",
        "It is refused while commands run, and where anything has changed since it was shown.",
    )
    return " ".join(each for each in sentences if each)
