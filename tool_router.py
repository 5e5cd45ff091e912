"""Is there a tool for it? Looked up before a model is paid.

The tools of a home stand in ``config/tools.toml`` and ``tools/`` (`toolbox.files`). A request is held against
them without a model and without the network: the one it names, else the one whose words ask for it
(`toolbox.index`), and only where that is sure enough (`toolbox.confidence`); else none, and that is said too.
A tool either **runs**, where its command answers the task and the request fills it exactly, or its text is
put in front of the prompt. Every routed task leaves a receipt in its events (`tool_route` and the fields
beside it).
"""

from __future__ import annotations

import dataclasses
import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from cost.token_estimator import BYTES_PER_TOKEN, likely_tokens
from errors import StoreUnsupported
from outcome import Outcome
from runtime_contract import Task
from settings import Settings
from toolbox import files
from toolbox.confidence import FOUND, confidences
from toolbox.filling import NOTHING, Filled, fill, is_said
from toolbox.index import Index
from toolbox.left_over import left_over
from toolbox.lexicon import shipped
from toolbox.meaning import speaks_against
from toolbox.naming import Names
from toolbox.route import NO_ROUTE, Candidate, Route
from toolbox.standing import UNUSED, Use
from toolbox.tool import Tool
from toolbox.watching import WatchedTools

__all__ = [
    "NO_ROUTE",
    "HomeTools",
    "Route",
    "Tool",
    "ToolRouter",
    "as_command",
    "context_route",
    "saved_tokens",
]

#: How sure it is that a tool is meant whose own example is said; and a score that no tool has otherwise.
SAID: Final = 0.99
MOST_SCORE: Final = 2.5
#: Candidates a route tells of.
MOST_CANDIDATES: Final = 5


class ToolRouter:
    """Finds the tool for a request, among a fixed set. Threads may share it.

    Parameters:
        tools: the tools.
        run_confidence: how sure it must be before a command answers in place of a model, 0 to 1.
        context_tokens: the most tokens that a tool's text may put in front of a prompt.
        uses: what became of tasks that tools were found for, by name.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        *,
        run_confidence: float = 0.9,
        context_tokens: int = 2_000,
        uses: Callable[[], Mapping[str, Use]] = dict,
    ) -> None:
        self.tools = tuple(tools)
        self._run_confidence = run_confidence
        self._context_chars = context_tokens * BYTES_PER_TOKEN
        self._uses = uses
        self._by_name = {tool.name: tool for tool in self.tools}
        self._names = Names((tool.name for tool in self.tools), shipped())
        self._mutex = threading.Lock()
        self._index: Index | None = None

    @classmethod
    def of_home(cls, root: Path) -> ToolRouter:
        """The tools of a home as they are now, with the default bounds. Raises `InvalidSetting`."""
        return cls(files.read_home(root))

    def tool(self, name: str) -> Tool | None:
        """The tool of that very name, where there is one."""
        return self._by_name.get(name)

    def route(self, prompt: str, *, why_not_run: str = "") -> Route:
        """The tool for a prompt, or none. `why_not_run`: why no command may answer, where none may."""
        why_not = why_not_run
        if not self.tools:
            return NO_ROUTE
        named = self._names.find(prompt)
        if named is not None:
            tool = self.tools[named.number]
            why_not = why_not or ("" if named.is_called else "the prompt speaks of it and does not call it")
            return self._use(tool, "exact", 1.0, (Candidate(tool.name, 1.0, 1.0),), prompt, why_not)
        try:
            candidates = self._candidates(prompt)
        except StoreUnsupported as error:
            return Route("none", reason=error.message)
        if not candidates or candidates[0].confidence < FOUND:
            return Route("none", reason=_why_none(candidates), candidates=candidates)
        best = candidates[0]
        tool = self._by_name[best.name]
        return self._use(tool, "match", best.confidence, candidates, prompt, why_not)

    def _built(self) -> Index:
        """The index, built when it is first needed: whoever only looks tools up by name never pays for it."""
        with self._mutex:
            if self._index is None:
                self._index = Index(self.tools)
            return self._index

    def _candidates(self, prompt: str) -> tuple[Candidate, ...]:
        fits = self._built().fits(prompt)
        uses = self._uses() if fits else {}
        found = []
        for fit, confidence in zip(fits, confidences(fits), strict=True):
            name = self.tools[fit.number].name
            standing = uses.get(name, UNUSED).standing
            found.append(Candidate(name, confidence * standing, fit.score * standing, fit.shared))
        best = sorted(found, key=_by_score)[:MOST_CANDIDATES]
        return _in_rank_order(sorted((self._if_said(each, prompt, uses) for each in best), key=_by_score))

    def _if_said(self, candidate: Candidate, prompt: str, uses: Mapping[str, Use]) -> Candidate:
        """A candidate, as sure as can be where the prompt says one of its examples word by word."""
        if not is_said(self._by_name[candidate.name], prompt):
            return candidate
        standing = uses.get(candidate.name, UNUSED).standing
        return dataclasses.replace(candidate, confidence=SAID * standing, score=(1 + MOST_SCORE) * standing)

    def _use(
        self,
        tool: Tool,
        how: Literal["exact", "match"],
        confidence: float,
        candidates: tuple[Candidate, ...],
        prompt: str,
        why_not: str,
    ) -> Route:
        """What a tool does about a prompt."""
        why = "the prompt names it" if how == "exact" else f"it shares {', '.join(candidates[0].shared[:8])}"
        command = NOTHING
        if tool.runs:
            why_not = why_not or speaks_against(prompt, tool)
            command = Filled(reason=why_not) if why_not else self._command(tool, confidence, prompt)
            why = why if command.is_ready else f"{why}; it does not run: {command.reason}"
        if command.is_ready:
            return Route(how, tool, confidence, "run", command, why, candidates)
        return Route(
            how, tool, confidence, "context", NOTHING, why, candidates, _bounded(tool, self._context_chars)
        )

    def _command(self, tool: Tool, confidence: float, prompt: str) -> Filled:
        """The command that answers, or why none does."""
        if confidence < self._run_confidence:
            told = f"confidence {confidence:.2f} is under {self._run_confidence:g} (tool_run_confidence)"
            return Filled(reason=told)
        command = fill(tool, prompt)
        filled = [word for slot, word in zip(tool.argv, command.argv, strict=False) if slot != word]
        more = left_over(prompt, tool, filled) if command.is_ready and not is_said(tool, prompt) else ""
        return Filled(reason=f"the prompt says more than it does: {more[:40]!r}") if more else command


def _bounded(tool: Tool, most_chars: int) -> str:
    """The text of a tool that goes in front of a prompt, cut at the budget."""
    if len(tool.text) <= most_chars:
        return tool.text
    return f"{tool.text[:most_chars]}\n[cut: setting tool_context_tokens]"


def context_route(tool: Tool, receipt: Mapping[str, Any], context_tokens: int) -> Route:
    """The route that a receipt tells of, where the tool's text went in front of the prompt."""
    how: Literal["exact", "match"] = "exact" if receipt.get("tool_route") == "exact" else "match"
    sure = float(receipt.get("tool_confidence") or 0.0)
    text = _bounded(tool, context_tokens * BYTES_PER_TOKEN)
    return Route(how, tool, sure, "context", NOTHING, str(receipt.get("tool_reason") or ""), (), text)


def _in_rank_order(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates with none surer than one before it.

    The score says which tool is meant, the confidence whether one is, each by itself. What is less likely to
    be meant is told as no surer than what goes before it; how sure the first one is does not change.
    """
    least = itertools.accumulate((each.confidence for each in candidates), min)
    return tuple(map(lambda each, most: dataclasses.replace(each, confidence=most), candidates, least))


def _by_score(candidate: Candidate) -> tuple[float, str]:
    return -candidate.score, candidate.name


def _why_none(candidates: Sequence[Candidate]) -> str:
    if not candidates:
        return "no tool shares a word with the prompt"
    best = candidates[0]
    return f"the nearest, {best.name}, has confidence {best.confidence:.2f}, under {FOUND:g}"


def as_command(task: Task, command: Filled) -> Task:
    """A prompt's task as the command that answers it; its effect is the command's own."""
    asked = {"mode": "local", "effect": None, "model": None}
    if command.profile is not None:
        return task.model_copy(update=asked | {"profile": command.profile})
    return task.model_copy(update=asked | {"prompt": None, "argv": list(command.argv)})


def saved_tokens(prompt: str, outcome: Outcome) -> int:
    """Tokens of the model call that a command made unnecessary: the prompt, and as many as it answered."""
    return likely_tokens([prompt]) + -(-outcome.output_bytes // BYTES_PER_TOKEN)


class HomeTools:
    """The router of one home, made again when its files have changed (`toolbox.watching`).

    Raises `InvalidSetting` where they are wrong at the start.
    """

    def __init__(
        self,
        root: Path,
        settings: Settings,
        uses: Callable[[], Mapping[str, Use]] = dict,
        on_change: Callable[[str | None, int], None] = lambda reason, count: None,
    ) -> None:
        def make(tools: list[Tool]) -> ToolRouter:
            return ToolRouter(
                tools,
                run_confidence=settings.tool_run_confidence,
                context_tokens=settings.tool_context_tokens,
                uses=uses,
            )

        self._watched = WatchedTools(root, make, on_change)

    def route(self, prompt: str, *, why_not_run: str = "") -> Route:
        """As `ToolRouter.route`, over the tools as they are now."""
        return self._watched.current().route(prompt, why_not_run=why_not_run)

    def router(self, *, refreshed: bool = False) -> ToolRouter:
        """The router over the tools as they are now; with `refreshed` at this very moment."""
        return self._watched.refreshed() if refreshed else self._watched.current()
