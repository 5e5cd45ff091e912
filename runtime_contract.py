"""The language all rooms speak: statuses and their transitions, Task, Queue, Event, and their bounds.

A queue file is written by people and by programs nobody has met, so everything here reads it with
suspicion: a wrong type is an error that names the field's path and the rule, never a guess; a bound that
is passed is named together with the value; and a key nobody knows is kept but has no effect, so a task
can never choose its working directory, environment, endpoint or rights.

What must never break: normalising twice equals normalising once, a key the user wrote is never lost or
reordered, and this module imports nothing but its own pages: `statuses`, `limits`, `events`, `money`,
`errors`, `task_errors`, `task_times`, `expectations` and `schema_references`.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import Annotated, Any, Final, Literal

import pydantic
from pydantic import ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from errors import InvalidTask, SkepError, TransitionNotAllowed
from events import EVENT_STATUSES, KNOWN_EXECUTION_STATUSES, Event
from expectations import NO_EXPECT, Expect, as_list, check_expect, check_files
from limits import Limits
from money import MICROS_PER_DOLLAR, dollars_to_micros
from statuses import ALLOWED_TRANSITIONS, ENDED, STATUS_READINGS, Status, check_transition
from task_errors import digits, first_error, kind, shorten
from task_times import check_cron, check_ever_fires, read_moment
from unseen import MUST_SAY, is_blank, program_of

__all__ = [
    "ALLOWED_TRANSITIONS",
    "DECLARING",
    "DEFAULT_API_ENDPOINT",
    "ENDED",
    "EVENT_STATUSES",
    "FIELD_ALIASES",
    "ID_PATTERN",
    "KNOWN_EXECUTION_STATUSES",
    "MACHINE_KEYS",
    "MICROS_PER_DOLLAR",
    "NO_EXPECT",
    "PARENT_PATTERN",
    "PROFILE_PATTERN",
    "QUEUE_CONTRACT_VERSION",
    "STATUS_READINGS",
    "STATUS_RULE",
    "USER_FIELDS",
    "Event",
    "Expect",
    "InvalidTask",
    "Limits",
    "Queue",
    "SkepError",
    "Status",
    "Task",
    "TransitionNotAllowed",
    "check_transition",
    "dollars_to_micros",
    "normalize_queue",
    "normalize_task",
    "read_moment",
    "read_task",
    "validate_queue_contract",
]

QUEUE_CONTRACT_VERSION: Final = "1.1"
DEFAULT_API_ENDPOINT: Final = "http://127.0.0.1:8420"

#: The id of another task, which may be one of a run.
PARENT_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}(:[A-Za-z0-9][A-Za-z0-9._-]{0,127})?")
#: What a user's task id may look like. ``:`` is reserved for the tasks of a run (``run:task``).
ID_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
#: What is said of a status that nobody knows.
STATUS_RULE: Final = f"must be one of {', '.join(sorted(STATUS_READINGS))}"
#: What the name of a profile may look like.
PROFILE_PATTERN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


Number = StrictInt | Annotated[StrictFloat, Field(allow_inf_nan=False)]


class Task(pydantic.BaseModel):
    """One task, normalised. Unknown keys are kept (``model_extra``) and have no effect."""

    model_config = ConfigDict(frozen=True, extra="allow")

    id: StrictStr
    type: Literal["cycle"] = "cycle"
    #: the text for a model
    prompt: StrictStr | None = None
    #: a command line, read without a shell; `argv` is the form that needs no reading
    command: StrictStr | None = None
    argv: list[StrictStr] | None = None
    #: a program that the home's own settings declare, with its rights; it is given the prompt
    profile: StrictStr | None = None
    mode: Literal["llm", "local"]
    #: ids that must be approved first
    depends_on: list[StrictStr] = []
    #: false: runs alone, with nothing beside it
    parallel_safe: StrictBool = True
    status: StrictStr = Status.PENDING.value
    #: higher goes first
    priority: StrictInt = 0
    #: not before this moment, Unix seconds
    not_before: StrictFloat | None = None
    #: a cron expression: the task is a schedule, each firing a task of its own
    every: StrictStr | None = None
    model: StrictStr | None = None
    max_tokens: Annotated[StrictInt, Field(ge=1)] | None = None
    temperature: Annotated[Number, Field(ge=0, le=2)] | None = None
    #: dollars
    min_budget: Annotated[Number, Field(ge=0)] | None = None
    #: dollars that all its attempts may cost together; a call that could pass it waits for a person
    max_budget: Annotated[Number, Field(ge=0)] | None = None
    intensity: Literal["low", "medium", "high"] = "medium"
    #: seconds, from the start of one attempt
    timeout_s: Annotated[Number, Field(gt=0)] | None = None
    max_attempts: Annotated[StrictInt, Field(ge=1)] | None = None
    #: what an interruption means: run again, or stop and ask
    effect: Literal["idempotent", "unsafe"] | None = None
    #: who judges the result: the critics, with `critic` a model too, with `human` a person after them
    review: Literal["auto", "critic", "human", "none"] = "auto"
    expect: Expect = Field(default_factory=lambda: NO_EXPECT)
    identity_id: StrictStr | None = None
    #: most tokens that whoever does it may earn; 0: none. The formula alone says how many up to there
    reward: Annotated[Number, Field(ge=0)] | None = None
    tags: list[StrictStr] = []
    run_id: StrictStr | None = None
    decompose: Literal["auto", "never", "always"] = "auto"
    #: what a model may say of the plan; none: as the setting says
    plan_model: Literal["off", "intent", "split"] | None = None
    #: true: a person sees the plan before it is entered; false leaves it to the setting
    plan_review: StrictBool = False

    @property
    def max_budget_micros(self) -> int | None:
        """The most the task may spend, in micro-dollars."""
        return None if self.max_budget is None else dollars_to_micros(self.max_budget)


#: The fields of a task that a person owns: an edit of the queue file may change them.
USER_FIELDS: Final = frozenset(Task.model_fields) - {"id", "status"}
#: The keys of a queue file's entry that only Skep writes.
MACHINE_KEYS: Final = frozenset(
    {
        "status",
        "waiting_for",
        "attempts",
        "reason",
        "result_summary",
        "finished_at",
        "phase4_parent_task",
    }
)

#: Keys by which other programs name the files of a task: where it has no `expect`, they must exist.
DECLARING: Final = ("files_created", "files_modified", "artifacts")

#: Other names a field is read under, in the order they are looked for.
FIELD_ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "prompt": ("instruction", "description", "atomic_instruction", "task"),
    "command": ("shell",),
    "identity_id": ("resident_identity", "author_id"),
    "timeout_s": ("timeout",),
}


def normalize_task(
    raw: object,
    limits: Limits,
    path: str = "task",
    *,
    is_known: bool = False,
    is_expect_known: bool = False,
    is_ended: bool = False,
) -> tuple[Task, dict[str, Any]]:
    """Read one task as the contract asks.

    Returns the task and its document: the user's keys in their order, aliases under their canonical name.
    The caller has already given an id where one was missing. Raises `InvalidTask` naming the field's path
    below `path`, the rule, and for a bound also the value. What a task that `is_known` is to do was taken in
    before, and need not draw anything; nor need an `expect` that is known be one that can be judged.
    One that `is_ended` was done elsewhere, and may have made the files that it declares wherever that was.
    """
    if not isinstance(raw, dict):
        raise InvalidTask(f"{path}: must be an object, not {kind(raw)}", path=path)
    document = _canonical(raw)
    _check_is_json(document, path)
    task = read_task(document, path)
    _check_bounds(task, limits, path)
    if not is_known:
        _check_says(task, path)
    if not is_expect_known:
        if document.get("expect"):
            check_expect(task.expect, f"{path}.expect")
        elif document.get("expect") is None and not is_ended:
            check_files(_declared(document, path))
    return task, document


def _check_says(task: Task, path: str) -> None:
    """Raise `InvalidTask` where what is to be done, or the program that does it, draws nothing."""
    if not (task.command or task.argv) and is_blank(task.prompt or ""):
        _refuse(path, "prompt", MUST_SAY, task.prompt)
    if task.command and is_blank(program_of(task.command)):
        _refuse(path, "command", MUST_SAY, task.command)
    if task.argv and is_blank(task.argv[0]):
        _refuse(path, "argv[0]", MUST_SAY, task.argv[0])
    for number, argv in enumerate(task.expect.commands):
        if is_blank(argv[0]):
            _refuse(path, f"expect.commands[{number}][0]", MUST_SAY, argv[0])


def read_task(document: dict[str, Any], path: str) -> Task:
    """The task of a document with canonical names, its types checked and its bounds not."""
    fields = dict(document)
    _normalise_values(fields, path)
    try:
        return Task.model_validate(fields)
    except pydantic.ValidationError as error:
        raise first_error(error, path) from error
    except RecursionError:
        raise InvalidTask(f"{path}: nested too deeply", path=path) from None


def _canonical(raw: dict[str, Any]) -> dict[str, Any]:
    """The same keys in the same order, the first non-empty alias of a field under its canonical name."""
    renames: dict[str, str] = {}
    has_command = any(_is_given(raw.get(name)) for name in ("command", "shell", "profile")) or raw.get("argv")
    if raw.get("mode") == "local" and not has_command and _is_given(raw.get("task")):
        renames["task"] = "command"
    for field, aliases in FIELD_ALIASES.items():
        if _is_given(raw.get(field)) or field in renames.values():
            continue
        alias = next((name for name in aliases if _is_given(raw.get(name)) and name not in renames), None)
        if alias is not None:
            renames[alias] = field
    if not renames:
        return dict(raw)
    taken = set(renames.values())
    return {renames.get(key, key): value for key, value in raw.items() if key not in taken}


def _is_given(value: object) -> bool:
    """Whether a field says anything; a wrong type does, and is told rather than passed over."""
    return value is not None and value != ""


def _check_is_json(document: dict[str, Any], path: str) -> None:
    """Raise `InvalidTask` for what Python's JSON reader lets through and the store could not keep."""
    with contextlib.suppress(UnicodeEncodeError, RecursionError, ValueError, TypeError):
        _to_json(document)
        return
    for key, value in document.items():
        where = f"{path}.{ascii(key)[1:-1]}"
        try:
            _to_json({key: value})
        except UnicodeEncodeError:
            raise InvalidTask(f"{where}: holds a lone surrogate, which is not text", path=where) from None
        except RecursionError:
            raise InvalidTask(f"{where}: nested too deeply", path=where) from None
        except (ValueError, TypeError):
            raise InvalidTask(f"{where}: holds NaN or an infinity, which JSON lacks", path=where) from None


_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False)


def _to_json(value: object) -> bytes:
    return _ENCODER.encode(value).encode()


def _normalise_values(fields: dict[str, Any], path: str) -> None:
    """Fill in what the contract infers, in place."""
    for name in [name for name, value in fields.items() if value is None and name in Task.model_fields]:
        del fields[name]
    if "mode" not in fields:
        is_local = fields.get("command") or fields.get("argv") or fields.get("profile")
        fields["mode"] = "local" if is_local else "llm"
    if isinstance(fields.get("decompose"), bool):
        fields["decompose"] = "always" if fields["decompose"] else "never"
    if "not_before" in fields:
        fields["not_before"] = read_moment(fields["not_before"], f"{path}.not_before")
    declared = [name for _, name in _declared(fields, path)]
    if declared and "expect" not in fields:
        fields["expect"] = {"files": declared}


def _declared(fields: dict[str, Any], path: str) -> list[tuple[str, str]]:
    """The files that a task says it makes, each with the path of the field that names it."""
    return [
        (f"{path}.{key}[{number}]", name)
        for key in DECLARING
        for number, name in enumerate(_items(fields.get(key)))
        if isinstance(name, str)
    ]


def _items(value: object) -> list[Any]:
    items = as_list(value)
    return items if isinstance(items, list) else []


def _check_bounds(task: Task, limits: Limits, path: str) -> None:
    """Raise `InvalidTask` where a value passes a bound or two fields contradict each other."""
    _check_work(task, path)
    if not ID_PATTERN.fullmatch(task.id):
        _refuse(path, "id", f"must match {ID_PATTERN.pattern}", task.id)
    for number, parent in enumerate(task.depends_on):
        if not PARENT_PATTERN.fullmatch(parent):
            _refuse(path, f"depends_on[{number}]", "must be the id of a task", parent)
    if task.status not in STATUS_READINGS:
        _refuse(path, "status", STATUS_RULE, task.status)
    for field, size, bound in _measures(task, limits):
        if abs(size) > bound:
            side, most = ("over", bound) if size > 0 else ("under", -bound)
            raise InvalidTask(
                f"{path}.{field}: {digits(size)} is {side} the bound of {most:,} "
                f"(settings: {_setting(field)})",
                path=f"{path}.{field}",
            )
    if task.every is not None:
        check_cron(task.every, f"{path}.every")
        check_ever_fires(task.every, task.not_before, f"{path}.not_before")


def _check_work(task: Task, path: str) -> None:
    if task.profile is not None:
        _check_profile(task, path)
    elif task.mode == "local":
        if task.prompt and not (task.command or task.argv):
            _refuse(path, "command", "is missing: mode=local needs a command or argv", None)
        if task.command and task.argv:
            _refuse(path, "argv", "give either command or argv, not both", task.argv)
        if not (task.command and task.command.strip()) and not task.argv:
            _refuse(path, "command", "is missing or empty", task.command)
    elif not (task.prompt and task.prompt.strip()):
        _refuse(path, "prompt", "is missing or empty: a task needs a prompt, a command or argv", task.prompt)
    elif task.command or task.argv:
        _refuse(path, "mode", "is llm, but the task has a command; leave one out", task.mode)


def _check_profile(task: Task, path: str) -> None:
    if not PROFILE_PATTERN.fullmatch(task.profile or ""):
        _refuse(path, "profile", f"must match {PROFILE_PATTERN.pattern}", task.profile)
    if task.mode != "local":
        _refuse(path, "mode", "must be local where a profile is named", task.mode)
    if task.command or task.argv:
        _refuse(path, "profile", "gives the command itself; leave command and argv out", task.profile)
    if not (task.prompt and task.prompt.strip()):
        _refuse(path, "prompt", "is missing or empty: a profile is given a prompt", task.prompt)


def _measures(task: Task, limits: Limits) -> list[tuple[str, float, float]]:
    """Every bounded field with its size and bound; those most tasks lack cost nothing."""
    argv = task.argv or ()
    sizes: list[tuple[str, float, float]] = [
        ("prompt", len(task.prompt or ""), limits.prompt_chars),
        ("command", len(task.command or "") + sum(map(len, argv)), limits.command_chars),
        ("argv", len(argv), limits.argv_items),
        ("depends_on", len(task.depends_on), limits.depends_on_items),
        ("tags", len(task.tags), limits.tags_items),
        ("priority", task.priority, limits.priority),
        ("max_tokens", task.max_tokens or 0, limits.max_tokens),
        ("timeout_s", task.timeout_s or 0, limits.timeout_s),
        ("max_attempts", task.max_attempts or 0, limits.max_attempts),
        ("max_budget", task.max_budget or 0, limits.budget_usd),
        ("min_budget", task.min_budget or 0, limits.budget_usd),
        ("reward", task.reward or 0, limits.reward),
    ]
    names = {"model": task.model, "run_id": task.run_id, "identity_id": task.identity_id, "every": task.every}
    sizes += [(field, len(name), limits.name_chars) for field, name in names.items() if name]
    sizes += [(f"tags[{at}]", len(tag), limits.name_chars) for at, tag in enumerate(task.tags)]
    extra = task.model_extra
    if extra:
        sizes.append(("extra", len(extra), limits.extra_keys))
        sizes.append(("extra_bytes", len(_to_json(extra)), limits.extra_bytes))
    if task.expect is not NO_EXPECT:
        expect = task.expect.model_dump(exclude_unset=True)
        sizes.append(("expect", len(_to_json(expect)), limits.extra_bytes))
    return sizes


_SETTING_NAMES: Final = {
    "prompt": "prompt_chars",
    "command": "command_chars",
    "argv": "argv_items",
    "depends_on": "depends_on_items",
    "tags": "tags_items",
    "model": "name_chars",
    "run_id": "name_chars",
    "identity_id": "name_chars",
    "every": "name_chars",
    "max_budget": "budget_usd",
    "min_budget": "budget_usd",
    "extra": "extra_keys",
    "expect": "extra_bytes",
}


def _setting(field: str) -> str:
    name = "name_chars" if field.startswith("tags[") else _SETTING_NAMES.get(field, field)
    return f"limit_{name}"


def _refuse(path: str, field: str, rule: str, value: object) -> None:
    got = "" if value is None else f", got {shorten(value)}"
    raise InvalidTask(f"{path}.{field}: {rule}{got}", path=f"{path}.{field}")


class Queue(pydantic.BaseModel):
    """A queue file: the five keys of the contract; unknown keys survive."""

    model_config = ConfigDict(extra="allow")

    version: StrictStr = QUEUE_CONTRACT_VERSION
    api_endpoint: StrictStr = DEFAULT_API_ENDPOINT
    #: the revision this file was written at; a task missing from it was removed by the person who saved it
    revision: StrictInt | None = None
    tasks: list[Any] = []
    completed: list[Any] = []
    failed: list[Any] = []


def normalize_queue(raw: dict[str, Any] | None) -> dict[str, Any]:
    """A queue with every key of the contract and every task default filled in; nothing given is changed."""
    queue = {**Queue().model_dump(exclude={"revision"}), **(raw or {})}
    defaults = {"type": "cycle", "depends_on": [], "parallel_safe": True, "status": Status.PENDING.value}
    for section in ("tasks", "completed", "failed"):
        queue[section] = queue[section] or []
    if isinstance(queue["tasks"], list):
        queue["tasks"] = [{**defaults, **task} if isinstance(task, dict) else task for task in queue["tasks"]]
    return queue


def validate_queue_contract(queue: object, limits: Limits | None = None) -> list[str]:
    """Every way in which `queue` breaks the contract, a sentence each; empty when it keeps it."""
    if not isinstance(queue, dict):
        return [f"the queue must be an object, not {kind(queue)}"]
    problems = [
        f"missing key: {name}" for name in Queue.model_fields if name not in queue and name != "revision"
    ]
    try:
        read = Queue.model_validate(queue)
    except pydantic.ValidationError as error:
        return [*problems, first_error(error, "queue").message]
    for index, raw in enumerate(read.tasks):
        try:
            normalize_task(raw, limits or Limits(), f"tasks[{index}]")
        except InvalidTask as error:
            problems.append(error.message)
    return problems
