"""The text a task's work sends: its prompt with the references filled in, after what went before.

To a model the words of other tasks go in envelopes, also where a prompt places them: they may come from a
model that read something hostile. What a person gave as an input is their own word.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from context import envelope, template
from context.context_builder import Surroundings, build_prompt
from context.envelope import Source
from cost.token_estimator import byte_count
from run_contract.job import Job
from runs.asked_for import HOW
from tool_router import NO_ROUTE

#: Where a prompt refers to the memory of its run.
_MEMORY: Final = "memory."


def placed(values: Mapping[str, str]) -> frozenset[str]:
    """What stands in the prompt by these references: tasks by their whole answers, memory as `memory.KEY`."""
    means = {name: template.dependency_of(name) for name in values}
    answers = {each[0] for each in means.values() if each is not None and each[1] is None}
    return frozenset(answers | {name for name in means if name.startswith(_MEMORY)})


def placed_bytes(values: Mapping[str, str]) -> int:
    """Bytes of the answers and of the memory that stand in the prompt."""
    return sum(
        byte_count(text)
        for name, text in values.items()
        if name.startswith(_MEMORY) or template.dependency_of(name)
    )


def memory_key(name: str) -> str | None:
    """The key of the memory that a reference means; none for another kind of reference."""
    return name.removeprefix(_MEMORY) if name.startswith(_MEMORY) else None


def memory_source(key: str) -> str:
    """What a text of the memory is called where it is told."""
    return f"memory {key}"


def plain_prompt(job: Job) -> str:
    """The text as it would be read, without envelopes."""
    parts = [*job.bundle.messages]
    parts += [f"{key}: {value}" for key, value in job.bundle.memory.items()]
    return "\n\n".join([*parts, template.render(job.template, job.values)])


def own_words(job: Job, mark: str) -> str:
    """The prompt with its references filled in, words of other tasks in envelopes of this mark."""

    def show(name: str, text: str) -> str:
        is_own = (name.startswith("inputs.") and name[7:] not in job.foreign) or not text
        return text if is_own else f"\n{envelope.wrap(name, [text], mark)}\n"

    return template.render(job.template, job.values, show)


def answers_told(job: Job) -> tuple[Source, ...]:
    """What a task is told beside its prompt, which belongs into an envelope."""
    bundle = job.bundle
    sources = bundle.sources or [f"part {number}" for number, _ in enumerate(bundle.messages, 1)]
    answers = [Source(name, text) for name, text in zip(sources, bundle.messages, strict=True)]
    answers += [Source(memory_source(key), text) for key, text in bundle.memory.items()]
    return tuple(answers)


def enveloped_prompt(job: Job, mark: str) -> str:
    """The text for a model, with foreign words in envelopes of this mark."""
    around = Surroundings(answers=answers_told(job))
    own = own_words(job, mark) + (f"\n\n{HOW}" if job.may_add else "")
    return build_prompt(own, NO_ROUTE, (), around, mark=mark)
