"""Writes the parts of the documents that the code already says: tables between markers, and two pictures.

``python docs/generate.py`` writes them, ``--check`` only looks and ends with 1 where one is stale. What
stands between ``<!-- generated: NAME -->`` and ``<!-- end -->`` belongs to this program, the rest to people.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, cast

import annotated_types
import click
import flask
import pydantic

import control_panel
import errors
import events
import setting_sources
import settings
import settings_file
import skep
import swarm
from commands import exits
from docs import pictures, reward_tables, safety_tables
from docs.tables import table, type_of
from enrichment.identity import Identity
from execution import contract, openapi
from outcome import Failure, Outcome, Usage
from panel import access
from panel.api import openapi as panel_openapi
from planning.proposal import Additions, Proposal, ProposedPart
from run_contract.policy import BudgetLimit, ContextPolicy, RetryPolicy, RunPolicy
from runs.request import ForkRequest, StartRunRequest, TaskRequest
from runs.run_events import RUN_EVENTS
from runs.workflow import Rounds, Step, SubRun, When, Workflow
from safety.command_compiler import Entry
from safety.profile_file import ProfileTable

HERE: Final = Path(__file__).resolve().parent
_PART: Final = re.compile(r"(<!-- generated: ([a-z-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)

#: Addresses of the panel that are for its own pages and for monitors, and are in no OpenAPI document.
_SERVED: Final = {"/static/{filename}": "style, scripts and the icon"}

#: Fields of several models, or whose own comment speaks to those who know the code.
_MEANINGS: Final = {
    "task_id": "id of the task",
    "lease": "number of the lease, from 1; `.swarm/state.db` must hold it",
    "prompt": "the text for a model",
    "command": "a command line, read without a shell",
    "argv": "the command as a list of arguments",
    "profile": "name of a profile, which is given the prompt",
    "task": "the text under one name for both modes: a command for `local`, a prompt for `llm`",
    "model": "name of the model",
    "max_tokens": "tokens the model may answer with",
    "temperature": "from 0 to 2",
    "timeout": "seconds the attempt may run",
    "min_budget": "dollars; no effect yet",
    "max_budget": "dollars that all attempts may cost together; a call that could pass it is not made",
    "intensity": "no effect yet",
    "status": "what became of it, or how it stands",
    "failure": "why it did not come to its end",
    "usage": "tokens of the model call",
    "exit_code": "exit code of the command; negative: the signal that ended it",
    "timed_out": "whether the time limit ended it",
    "budget_used": "the cost in dollars",
    "safety_report": "the report of the safety gateway, check by check",
    "prompt_tokens": "tokens read",
    "completion_tokens": "tokens written",
    "code": "a stable word",
    "message": "a sentence for a person",
    "retryable": "whether the same may be tried again",
    "files_scanned": "files of the workspace that were looked at",
    "total_lines": "their lines",
    "tasks_created": "tasks added to the queue",
    "task_ids": "their ids",
    "ready": "whether a model can be asked",
    "endpoint": "address of the model server",
    "reason": "which model answers, or what holds commands; else what to do so that one does",
    "mode": "`llm` or `local`; inferred when absent",
    "running": "what is being executed now",
    "ended_at": "Unix seconds",
}

#: Modules that have errors of their own beside the tree of `errors.py`.
_WITH_ERRORS: Final = (
    "commands.edit_file",
    "commands.place",
    "execution.contract",
    "execution.plan",
    "execution.run_output",
    "llm.contracts",
    "llm.http",
    "localhost.body",
    "localhost.gate",
    "localhost.server",
    "panel.access",
    "panel.login",
    "panel.spawner",
    "run_contract.errors",
    "runs.workflow_file",
    "safety.command_line",
    "store.audit_log.key",
    "store.audit_log.verify",
    "store.private_files",
)


# -- tables ------------------------------------------------------------------------------------------------


def settings_table() -> str:
    """Every setting, under the headings of its part."""
    parts: list[str] = []
    rows: list[tuple[str, ...]] = []
    columns = ("setting", "type", "default", "bounds", "environment", "meaning")
    for name, field in settings.Settings.model_fields.items():
        if name in settings_file.HEADINGS:
            if rows:
                parts += [table(columns, rows)]
                rows = []
            parts.append(f"### {settings_file.HEADINGS[name]}\n")
        default = "unset" if field.default is None else f"`{_plain(field.default)}`"
        variable = f"`{setting_sources.ENVIRONMENT_PREFIX}{name.upper()}`"
        variable = "only in a file" if name in setting_sources.FILES_ONLY else variable
        rows.append(
            (f"`{name}`", _type(name), default, _bounds(field.metadata), variable, field.description or "")
        )
    return "\n".join([*parts, table(columns, rows)])


def _type(name: str) -> str:
    return type_of(_settings_schema()[name]).removesuffix(" or null")


@functools.cache
def _settings_schema() -> dict[str, Any]:
    return dict(settings.Settings.model_json_schema()["properties"])


def _plain(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else str(value)


def _bounds(metadata: Iterable[Any]) -> str:
    words = {annotated_types.Ge: "at least", annotated_types.Gt: "over", annotated_types.Le: "at most"}
    told = []
    for rule in metadata:
        word = words.get(type(rule))
        if word is not None:
            number = next(iter(vars(rule).values())) if hasattr(rule, "__dict__") else _limit_of(rule)
            told.append(f"{word} {number:,.0f}" if number >= 1000 else f"{word} {number:g}")
    return ", ".join(told)


def _limit_of(rule: Any) -> float:
    return float(next(getattr(rule, name) for name in ("ge", "gt", "le") if hasattr(rule, name)))


def kinds_table() -> str:
    """Every kind of event."""
    return table(
        ("event", "what happened"), ((f"`{name}`", text) for name, text in events.EVENT_KINDS.items())
    )


def fields_table() -> str:
    """Every field an event may carry of its own."""
    return table(("field", "meaning"), ((f"`{name}`", text) for name, text in events.EVENT_FIELDS.items()))


# -- the command line --------------------------------------------------------------------------------------


def verbs() -> str:
    """Every verb with its help, as click prints it."""
    root = click.Context(skep.cli, info_name="skep", terminal_width=100, max_content_width=100)
    parts = []
    for name in skep.VERBS:
        command = skep.cli.get_command(root, name)
        if command is not None:
            context = click.Context(
                command,
                info_name=name,
                parent=root,
                terminal_width=100,
                max_content_width=100,
                help_option_names=["-h", "--help"],
            )
            text = command.get_help(context)
            parts.append(f"### skep {name}\n\n```text\n{text}\n```\n")
            parts += _actions(command, context)
    return "\n".join(parts)


def _actions(command: click.Command, parent: click.Context) -> Iterator[str]:
    """The actions of a verb that has some, each with its help."""
    if not isinstance(command, click.Group):
        return
    for name in command.list_commands(parent):
        action = command.get_command(parent, name)
        if action is not None:
            context = click.Context(action, info_name=name, parent=parent, help_option_names=["-h", "--help"])
            yield f"```text\n{action.get_help(context)}\n```\n"


def exit_codes() -> str:
    """Every exit code, with the comment that stands over it."""
    meanings = {"FINE": "fine"} | comments_of(inspect.getsource(exits))
    codes = [
        (name, value) for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)
    ]
    return table(("code", "meaning"), ((f"{value}", meanings[name]) for name, value in codes))


def comments_of(source: str) -> dict[str, str]:
    """The ``#:`` comments of a source, by the name that stands under each."""
    found = re.findall(r"((?:^[ ]*#: .*\n)+)^[ ]*([A-Za-z_]+)\s*[:=]", source, re.MULTILINE)
    return {name: " ".join(re.findall(r"#: (.*)", lines)).strip() for lines, name in found}


# -- HTTP --------------------------------------------------------------------------------------------------


def error_classes() -> list[type[errors.SkepError]]:
    """The whole tree, each below its parent."""
    for module in _WITH_ERRORS:
        importlib.import_module(module)
    return list(_below(errors.SkepError))


def _below(kind: type[errors.SkepError]) -> Iterator[type[errors.SkepError]]:
    yield kind
    for child in kind.__subclasses__():
        if not child.__module__.startswith("tests"):
            yield from _below(child)


def errors_table() -> str:
    """Every error: its code, its status, its sentence."""
    rows: dict[tuple[str, int], str] = {}
    for kind in error_classes():
        rows.setdefault((kind.code, kind.http_status), (kind.__doc__ or "").splitlines()[0])
    ordered = sorted(rows.items(), key=lambda row: (row[0][1], row[0][0]))
    return table(
        ("status", "code", "default message"),
        ((str(status), f"`{code}`", text) for (code, status), text in ordered),
    )


def routes_of(app: flask.Flask) -> dict[tuple[str, str], str]:
    """The endpoint of every (method, address) of an app."""
    found = {}
    for rule in app.url_map.iter_rules():
        address = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            found[method, address] = rule.endpoint
    return found


def swarm_app() -> flask.Flask:
    """The execution API, with nothing behind it."""
    return swarm.create_app(cast("Any", None))


@functools.cache
def panel_app() -> flask.Flask:
    """The panel, with nothing behind it."""
    plain = settings.Settings()
    return control_panel.create_app(cast("Any", None), settings.Home(HERE), plain, port=plain.panel_port)


def swarm_routes() -> str:
    """Every address of the execution API."""
    paths = openapi.document()["paths"]
    return table(
        ("request", "who may call", "what it does"),
        (
            (
                f"`{method} {address}`",
                _who_calls_swarm(told := paths[address][method.lower()]),
                told["summary"],
            )
            for method, address in routes_of(swarm_app())
        ),
    )


def _who_calls_swarm(route: dict[str, Any]) -> str:
    return "programs with the token" if route["security"] else "any program of this machine"


def panel_routes() -> str:
    """Every address of the panel."""
    paths = panel_openapi.document()["paths"]
    rows = []
    methods: dict[str, list[str]] = {}
    for method, address in routes_of(panel_app()):
        methods.setdefault(address, []).append(method)
    endpoints = {address: endpoint for (_, address), endpoint in routes_of(panel_app()).items()}
    for address, endpoint in sorted(endpoints.items()):
        who = _who_calls_panel(endpoint)
        told = paths.get(address, {})
        for given in [[method] for method in methods[address]] if told else [methods[address]]:
            what = told[given[0].lower()]["summary"] if told else _what(address, endpoint)
            rows.append((f"`{', '.join(given)} {address}`", who, what))
    return table(("request", "who may call", "what it does"), rows)


def _who_calls_panel(endpoint: str) -> str:
    if endpoint == "session.login":
        return "a browser with a fresh code"
    return "anybody on this machine" if endpoint in access.PUBLIC else "a logged-in browser, or the token"


def _what(address: str, endpoint: str) -> str:
    """What an address of a page is for: the whole page by its module, a part of it by its function."""
    view = panel_app().view_functions[endpoint]
    told = sys.modules[view.__module__].__doc__ if view.__name__ == "show" else view.__doc__
    return _SERVED.get(address) or str(told).splitlines()[0].rstrip(".").replace("``", "`")


def _members(model: type[pydantic.BaseModel]) -> str:
    """The fields of a model, with the comments that stand over them."""
    comments: dict[str, str] = {}
    for each in reversed(model.__mro__):
        if issubclass(each, pydantic.BaseModel) and each is not pydantic.BaseModel:
            comments |= comments_of(inspect.getsource(each))
    schema = model.model_json_schema(mode="validation")
    schema = schema.get("$defs", {}).get(model.__name__, schema) if "$ref" in schema else schema
    needed = set(schema.get("required", ()))
    return table(
        ("field", "type", "meaning"),
        (
            (f"`{name}`" + (" (required)" if name in needed else ""), type_of(told), _meaning(name, comments))
            for name, told in schema["properties"].items()
        ),
    )


def _meaning(name: str, comments: dict[str, str]) -> str:
    """What a field means: as the comment over it says, else as said here for all models."""
    return (comments.get(name) or _MEANINGS.get(name, "")).replace("``", "`")


def models() -> str:
    """What swarm is sent and answers."""
    asked = (contract.CycleRequest, contract.CancelRequest, contract.PlanRequest)
    told = (Outcome, Usage, Failure, contract.CancelAnswer, contract.PlanAnswer, contract.ProposalAnswer,
            contract.ProposedTasksAnswer, Proposal, ProposedPart, Additions, contract.StatusAnswer,
            contract.ModelAnswer, contract.LimitAnswer, contract.RunningCycle)  # fmt: skip
    parts = []
    for model in (*asked, *told):
        sentence = (model.__doc__ or "").splitlines()[0].partition(". ")[0].rstrip(".") + "."
        parts.append(f"#### {model.__name__}\n\n{sentence}\n\n{_members(model)}")
    return "\n".join(parts)


def panel_requests() -> str:
    """What each address of the panel's API takes and answers."""
    rows = []
    for address, methods in panel_openapi.document()["paths"].items():
        for method, told in methods.items():
            body = (
                told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            )
            given = [
                f"`{each['name']}`: {each.get('description') or each['in']}" for each in told["parameters"]
            ]
            given += [
                f"`{name}`: {field['description']}" for name, field in body.get("properties", {}).items()
            ]
            content, *_ = told["responses"]["200"]["content"].values()
            answer = content["schema"]["$ref"].rpartition("/")[2]
            rows.append((f"`{method.upper()} {address}`", "; ".join(given), answer))
    return table(("request", "takes", "answers"), rows)


def panel_models() -> str:
    """The shapes of the panel's answers."""
    rows = []
    shapes = panel_openapi.document()["components"]["schemas"]
    asked = panel_openapi.requests()
    for name, schema in shapes.items():
        if name in asked:
            continue
        fields = ", ".join(
            f"`{field}` ({type_of(told)})" for field, told in schema.get("properties", {}).items()
        )
        rows.append((name, fields or "an OpenAPI document"))
    return table(("shape", "fields"), rows)


# -- putting it in place -----------------------------------------------------------------------------------

PARTS: Final[dict[str, Callable[[], str]]] = {
    "settings": settings_table,
    "commands": safety_tables.commands_table,
    "git-commands": safety_tables.git_table,
    "command-keys": lambda: safety_tables.keys_table(Entry),
    "profile-keys": lambda: safety_tables.keys_table(ProfileTable),
    "identity-keys": lambda: safety_tables.keys_table(Identity),
    "hats": reward_tables.hats_table,
    "reward-formula": reward_tables.formula_table,
    "reward-refusals": reward_tables.refusals_table,
    "verbs": verbs,
    "exit-codes": exit_codes,
    "kinds": kinds_table,
    "fields": fields_table,
    "errors": errors_table,
    "audit-record": safety_tables.audit_record_table,
    "audit-events": safety_tables.audit_events_table,
    "audit-decisions": safety_tables.audit_decisions_table,
    "audit-fields": safety_tables.audit_fields_table,
    "swarm-routes": swarm_routes,
    "panel-routes": panel_routes,
    "models": models,
    "run-events": lambda: table(
        ("event", "meaning"), ((f"`{name}`", told) for name, told in RUN_EVENTS.items())
    ),
    "run-request-keys": lambda: _members(StartRunRequest),
    "run-task-keys": lambda: _members(TaskRequest),
    "fork-keys": lambda: _members(ForkRequest),
    "workflow-keys": lambda: _members(Workflow),
    "step-keys": lambda: _members(Step),
    "condition-keys": lambda: _members(When),
    "sub-run-keys": lambda: _members(SubRun),
    "rounds-keys": lambda: _members(Rounds),
    "policy-keys": lambda: _members(RunPolicy),
    "budget-limit-keys": lambda: _members(BudgetLimit),
    "context-policy-keys": lambda: _members(ContextPolicy),
    "retry-keys": lambda: _members(RetryPolicy),
    "panel-requests": panel_requests,
    "panel-models": panel_models,
    "rooms": lambda: table(("floor", "room", "what lives there"), pictures.rooms()),
    "road": lambda: table(("step", "who", "file", "what is told"), pictures.road_rows()),
}


def fresh() -> dict[Path, str]:
    """Every file that is generated, wholly or in parts, as it should be."""
    texts = {HERE / "house.svg": pictures.house(), HERE / "road.svg": pictures.road()}
    for path in sorted(HERE.glob("*.md")):
        text = path.read_text("utf-8")
        if _PART.search(text):
            texts[path] = _PART.sub(lambda part: f"{part[1]}\n{PARTS[part[2]]().rstrip()}\n\n{part[4]}", text)
    return texts


def stale() -> list[str]:
    """Names of the files that are not as they should be."""
    return [
        path.name for path, text in fresh().items() if not path.exists() or path.read_text("utf-8") != text
    ]


def main(arguments: Sequence[str]) -> int:
    """Write what is stale, or with ``--check`` name it."""
    is_check = "--check" in arguments
    names = stale()
    if not is_check:
        for path, text in fresh().items():
            path.write_text(text, "utf-8")
    for name in names:
        click.echo(f"docs/{name} {'is stale; run python docs/generate.py' if is_check else 'was written'}")
    return 1 if names and is_check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
