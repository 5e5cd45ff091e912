"""The prompt of one attempt: the task's own text, what a tool adds, what the last attempt got wrong.

A tool's text may have been a model's answer once, or come from anywhere, and findings quote answers: both go
in an envelope (`context.envelope`) and cannot pass for an instruction. Of a task that was split, every part
and the step that puts them together are told the intent of the whole first, and then, in an envelope too,
the answers they build on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from context import envelope
from context.envelope import Source
from context.memory_manager import MemoryManager
from run_contract.errors import InvalidInput, TaskNotFound
from run_contract.job import ContextBundle
from run_contract.records import Run, TaskState
from tool_router import Route


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a part of a split task is told of the whole."""

    #: the intent as a block; empty where the task is no part of anything
    intent: str = ""
    #: answers of the parts it builds on
    answers: tuple[Source, ...] = ()
    #: what is to be done with them, after the task
    instruction: str = ""


NO_SURROUNDINGS: Final = Surroundings()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a prompt."""

    #: what it is: intent, identity, tool, answers, task, instruction, feedback
    kind: str
    text: str


class ContextBuilder:
    """What a task of a run is told of what went before: the answers it waits for, and the run's memory."""

    def __init__(self, memory: MemoryManager | None = None) -> None:
        self._memory = memory or MemoryManager()

    def build(self, run: Run | None, task_id: str, placed: frozenset[str] = frozenset()) -> ContextBundle:
        """The answers of its dependencies in their order, as far as they completed and said anything.

        `placed` are those whose answers stand in the prompt itself, and the references to memory that do
        (`memory.KEY`): a task is told nothing twice. Changing the bundle changes nothing in the run. Raises
        `InvalidInput`, `TaskNotFound`.
        """
        if run is None:
            raise InvalidInput("no run to build a context in")
        tasks = run.tasks
        if task_id not in tasks:
            raise TaskNotFound(f"{task_id} is no task of the run")
        messages, sources = [], []
        for name in tasks[task_id].deps:
            source = tasks.get(name)
            if source is not None and source.later is not None:
                source = run.answering(name)
            if source is None or source.state is not TaskState.COMPLETED or name in placed:
                continue
            if source.outputs is not None and source.outputs.output:
                messages.append(source.outputs.output)
                sources.append(name)
        memory = self._memory.seen(run, tasks[task_id].parent) if run.memory else {}
        told = {key: text for key, text in memory.items() if f"memory.{key}" not in placed}
        return ContextBundle(messages, told, {}, sources)


def build_prompt(
    prompt: str,
    route: Route,
    feedback: Sequence[str],
    around: Surroundings = NO_SURROUNDINGS,
    who: str = "",
    *,
    mark: str | None = None,
) -> str:
    """The text that is sent for `prompt`; `who` says who works on it, `mark` is that of its envelopes."""
    return "\n\n".join(each.text for each in parts_of(prompt, route, feedback, around, who, mark=mark))


def parts_of(
    prompt: str,
    route: Route,
    feedback: Sequence[str],
    around: Surroundings = NO_SURROUNDINGS,
    who: str = "",
    *,
    mark: str | None = None,
) -> list[Part]:
    """The same text, part by part, in its order; what has nothing to say is no part."""
    chosen = mark or envelope.new_mark()
    before = [
        Part("intent", around.intent),
        Part("identity", who),
        Part("tool", _tool(route, chosen)),
        Part("answers", _answers(around.answers, chosen)),
    ]
    own = f"TASK:\n{prompt}" if any(part.text for part in before) else prompt
    after = [
        Part("task", own),
        Part("instruction", around.instruction),
        Part("feedback", _findings(feedback, chosen)),
    ]
    return [part for part in [*before, *after] if part.text]


def _tool(route: Route, mark: str) -> str:
    heading = route.heading()
    return heading and f"{heading}\n\n{envelope.wrap('the tool', route.words(), mark)}"


def _answers(answers: Sequence[Source], mark: str) -> str:
    if not answers:
        return ""
    told = "What other parts of the task answered:"
    items = (each.as_json() for each in answers)
    return f"{told}\n{envelope.wrap('other parts of the task', items, mark)}"


def _findings(feedback: Sequence[str], mark: str) -> str:
    if not feedback:
        return ""
    told = "An earlier answer to this was rejected. Mend what was found:"
    return f"{told}\n{envelope.wrap('the review of an earlier answer', feedback, mark)}"
