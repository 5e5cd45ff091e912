"""The text a task's work sends: its prompt with the references filled in, after what went before.

To a model the words of other tasks go in envelopes, also where a prompt places them: they may come from a
model that read something hostile. What a person gave as an input is their own word.
"""

from __future__ import annotations

from context import envelope, template
from context.context_builder import Surroundings, build_prompt
from context.envelope import Source
from run_contract.job import Job
from runs.asked_for import HOW
from tool_router import NO_ROUTE


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
    answers += [Source(f"memory {key}", text) for key, text in bundle.memory.items()]
    return tuple(answers)


def enveloped_prompt(job: Job, mark: str) -> str:
    """The text for a model, with foreign words in envelopes of this mark."""
    around = Surroundings(answers=answers_told(job))
    own = own_words(job, mark) + (f"\n\n{HOW}" if job.may_add else "")
    return build_prompt(own, NO_ROUTE, (), around, mark=mark)
