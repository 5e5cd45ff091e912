"""What a run may cost at worst, before it is started: every attempt of every task at its worst case."""

from __future__ import annotations

from typing import Any

from cost.token_estimator import most_tokens
from money import dollars_text
from panel.context import Panel
from panel.words import count_of
from redaction import clean
from safety.work import Work
from store.runs import NewRun, NewRunTask


def cost_of(here: Panel, made: NewRun, kept: frozenset[str] = frozenset()) -> dict[str, Any]:
    """What the tasks may cost, but for those whose answers are kept; in micro-dollars, and in a sentence.

    A task is counted as the daemon reserves for it, with as many tokens of others' answers as these may
    write, for every attempt that it may have. What commands print, and items of lists, are known only later.
    """
    answers = {each.id: _most_answered(here, each) for each in made.tasks}
    total, unknown, lists = 0, set(), 0
    for each in made.tasks:
        if each.id in kept or each.new.task.mode != "llm":
            continue
        lists += each.doc.get("for_each") is not None
        worst = _worst(here, each, sum(answers.get(name, 0) for name in each.doc.get("deps", ())))
        if worst is None:
            unknown.add(each.new.task.model or "the model of this home")
        else:
            total += worst
    limit = made.budget_micros
    return {
        "worst_micros": total,
        "limit_micros": limit,
        "unknown": sorted(map(clean, unknown))[:20],
        "text": _sentence(total, limit, len(unknown), lists),
    }


def _most_answered(here: Panel, task: NewRunTask) -> int:
    """Tokens that a model may answer with; of a command nobody knows."""
    found = task.new.task
    return (found.max_tokens or here.settings.llm_max_tokens) if found.mode == "llm" else 0


def _worst(here: Panel, task: NewRunTask, told_tokens: int) -> int | None:
    """Micro-dollars of all attempts; none where the price is not known."""
    found = task.new.task
    facts = here.foreteller.facts_for(found)
    if facts is None or facts.price is None:
        return None
    if facts.price.is_free:
        return 0
    texts = [message.content for message in Work.of(found).messages]
    read = facts.most_read(most_tokens(texts) + told_tokens)
    written = facts.most_written(found.max_tokens or here.settings.llm_max_tokens)
    return facts.price.most_micros(read, written) * here.settings.attempt_policy.judged_limit(found)


def _sentence(total: int, limit: int | None, unknown: int, lists: int) -> str:
    if limit is not None and (unknown or lists or total > limit):
        told = f"At most {dollars_text(limit)}, which is the run's limit"
        more = f"; by themselves its tasks could come to {dollars_text(total)}" if total > limit else ""
    elif total:
        told = f"At most {dollars_text(total)}, with every attempt at its worst case"
        more = "" if limit is None else f"; the run's limit is {dollars_text(limit)}"
    else:
        told, more = "Nothing" if not unknown else "Nothing that is known yet", ""
    if unknown:
        more += f"; the price of {count_of(unknown, 'model is', 'models are')} looked up when first asked"
    if lists and limit is None:
        more += f"; {count_of(lists, 'list is', 'lists are')} counted as one task, as the items are not known"
    return f"{told}{more}."
