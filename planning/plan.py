"""Whether a task is split, and why: the gut check, the bounds and the task's own wish together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

from planning.decomposition import Split, decompose
from planning.gut_check import LONG_CHARS, GutCheck, gut_check
from planning.intent import Intent, extract
from planning.kept_whole import kept_whole
from planning.left_out import left_out
from planning.masking import mask
from planning.proposal import BadProposal, Proposal, refine, split_of
from planning.subtasks import is_divisible
from runtime_contract import Task
from settings import Settings

#: Characters that every part would carry beside its own; what shares more is cheaper done at once.
MOST_SHARED_CHARS: Final = 8_000


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanRules:
    """The settings that bound plans."""

    plan_threshold: int = 4
    plan_max_subtasks: int = 16
    plan_max_depth: int = 1

    @classmethod
    def of_settings(cls, settings: Settings) -> Self:
        """The bounds that a home sets."""
        return cls(**{name: getattr(settings, name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done with a task: split it, or run it as one."""

    check: GutCheck
    #: why, in a sentence for a person
    reason: str
    #: none: it runs as one
    split: Split | None = None
    intent: Intent | None = None
    #: whether it may ask for several things that the words do not tell apart
    is_unsure: bool = False


def consider(task: Task, rules: PlanRules, depth: int = 1) -> Decision:
    """Decide about a task that would be split as the `depth`-th time: 1 for what a person wrote."""
    if task.mode != "llm" or not task.prompt:
        return Decision(GutCheck(), "only prompts are split")
    if task.decompose == "never":
        return Decision(GutCheck(), "decompose is never")
    if depth > rules.plan_max_depth:
        return Decision(GutCheck(), f"it is {depth - 1} splits deep (setting: plan_max_depth)")
    if task.decompose != "always" and (said := kept_whole(mask(task.prompt))):
        return Decision(GutCheck(), f"the words say so: {said!r}")
    split = decompose(task.prompt, is_lenient=task.decompose == "always")
    check = gut_check(task.prompt, split)
    reason = split.reason or _against(task, split, check, rules)
    if reason:
        return Decision(check, reason, is_unsure=split.is_unsure)
    intent = extract(task.prompt, [part.text for part in split.parts])
    return Decision(check, f"score {check.score}: {', '.join(check.reasons)}", split, intent)


def is_worth_asking(task: Task, decision: Decision) -> bool:
    """Whether a model is asked about a task: one that is to be split, or of which the words leave it open."""
    if decision.split is not None:
        return True
    is_open = decision.is_unsure and (len(task.prompt or "") >= LONG_CHARS or task.decompose == "always")
    return is_open and len(task.prompt or "") <= MOST_SHARED_CHARS


def with_proposal(
    task: Task, decision: Decision, proposal: Proposal, rules: PlanRules, *, takes_split: bool
) -> Decision:
    """The decision with what a model proposes: its additions to the intent, and where wanted its parts.

    Raises `BadProposal` where the parts cannot be used.
    """
    ask = task.prompt or ""
    own = decision.intent or extract(ask)
    intent = refine(own, proposal.intent)
    if not takes_split or not proposal.parts:
        return replace(decision, intent=None if decision.split is None else intent)
    if len(ask) > MOST_SHARED_CHARS:
        raise BadProposal(f"each part would carry the {len(ask):,} characters of the whole task")
    split = split_of(proposal, ask, own.deliverables, rules.plan_max_subtasks)
    if not is_divisible(task, split):
        raise BadProposal(f"max_budget is too small for {len(split.parts)} parts")
    check = gut_check(ask, split)
    reason = f"a model's plan: {', '.join(check.reasons)}{_told_left_out(decision, split)}"
    return Decision(check, reason, split, intent)


def _told_left_out(decision: Decision, split: Split) -> str:
    """What the words' own split has and a model's has not, in a clause; empty where that is nothing."""
    asked = [] if decision.split is None else [part.text for part in decision.split.parts]
    missing = left_out(asked, [part.text for part in split.parts])
    return f"; it leaves out what the words have: {', '.join(map(repr, missing))}" if missing else ""


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
