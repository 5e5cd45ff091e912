"""Whether a task is split, and why: the gut check, the bounds and the task's own wish together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from planning.decomposition import Split, decompose
from planning.gut_check import GutCheck, gut_check
from planning.intent import Intent, extract
from planning.subtasks import is_divisible
from runtime_contract import Task

#: Characters that every part would carry beside its own; what shares more is cheaper done at once.
MOST_SHARED_CHARS: Final = 8_000


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanRules:
    """The settings that bound plans."""

    plan_threshold: int = 4
    plan_max_subtasks: int = 16
    plan_max_depth: int = 1


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with a task: split it, or run it as one."""

    check: GutCheck
    #: why, in a sentence for a person
    reason: str
    #: none: it runs as one
    split: Split | None = None
    intent: Intent | None = None


def consider(task: Task, rules: PlanRules, depth: int = 1) -> Decision:
    """Decide about a task that would be split as the `depth`-th time: 1 for what a person wrote."""
    if task.mode != "llm" or not task.prompt:
        return Decision(GutCheck(), "only prompts are split")
    if task.decompose == "never":
        return Decision(GutCheck(), "decompose is never")
    if depth > rules.plan_max_depth:
        return Decision(GutCheck(), f"it is {depth - 1} splits deep (setting: plan_max_depth)")
    split = decompose(task.prompt, is_lenient=task.decompose == "always")
    check = gut_check(task.prompt, split)
    reason = split.reason or _against(task, split, check, rules)
    if reason:
        return Decision(check, reason)
    intent = extract(task.prompt, [part.text for part in split.parts])
    return Decision(check, f"score {check.score}: {', '.join(check.reasons)}", split, intent)


def _against(task: Task, split: Split, check: GutCheck, rules: PlanRules) -> str:
    """What speaks against a split that could be made; empty where nothing does."""
    count = len(split.parts)
    if count > rules.plan_max_subtasks:
        return f"{count} parts are over the bound of {rules.plan_max_subtasks} (setting: plan_max_subtasks)"
    if not is_divisible(task, split):
        return f"max_budget is too small for {count} parts"
    if task.decompose == "always":
        return ""
    if check.score < rules.plan_threshold:
        return f"its score {check.score} is under {rules.plan_threshold} (setting: plan_threshold)"
    if len(split.shared) > MOST_SHARED_CHARS:
        return f"each part would carry the {len(split.shared):,} characters that all of them share"
    return ""
