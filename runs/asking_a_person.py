"""The work of a task that is a question to a person, in a run in memory: whoever is there is asked."""

from __future__ import annotations

from collections.abc import Callable

from context import template
from run_contract.asking import DENIED
from run_contract.job import Job
from run_contract.records import TaskResult
from runs.work import Work, WorkFailed

#: Answers a question of a job with one of the options, or with words where there are none to choose from;
#: none: refused. The second is the question with its references filled in.
Person = Callable[[Job, str], str | None]


def asking(person: Person, work: Work) -> Work:
    """Work that has a person answer what is asked of one, and is as before for every other task."""

    def ask(job: Job) -> TaskResult:
        if job.choices is None:
            return work(job)
        answer = person(job, template.render(job.template, job.values))
        if answer is None:
            raise WorkFailed("the question was refused", code=DENIED)
        return TaskResult(answer)

    return ask
