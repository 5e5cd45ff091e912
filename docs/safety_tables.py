"""The tables of what safety knows: the commands that may run, profiles, and what the audit tells of."""

from __future__ import annotations

import json

import pydantic

import audit_events
from docs.tables import table, type_of, words_table
from safety.command_file import shipped_rules
from safety.command_rules import ProgramRule
from store.audit_log import RECORD_FIELDS, SEAL_FIELDS


def commands_table() -> str:
    """Every program of ``config/commands.toml``."""
    columns = ("program", "what it does", "at first", "writes", "after an interruption")
    rules = shipped_rules()
    return table(columns, (_command(rule) for _, rule in sorted(rules.programs.items())))


def git_table() -> str:
    """Every subcommand of git."""
    columns = ("subcommand", "writes", "arguments")
    found = sorted(shipped_rules().programs["git"].subcommands.items())
    return table(columns, ((f"`git {name}`", _writes(rule), str(rule.arguments)) for name, rule in found))


def _command(rule: ProgramRule) -> tuple[str, ...]:
    at_first = "may run" if rule.is_allowed else f"off: `{rule.key}.allowed = true`"
    again = "runs again" if rule.effect == "idempotent" else "asks you"
    if rule.subcommands:
        again = "runs again; after `add` and `commit` asks you"
    return (
        f"`{rule.name}`",
        rule.about,
        at_first,
        _writes(rule) if not rule.subcommands else "see below",
        again,
    )


def _writes(rule: ProgramRule) -> str:
    return ", ".join(
        word
        for word, right in (("the workspace", rule.rights.workspace), ("`.git`", rule.rights.git))
        if right == "write"
    )


def keys_table(model: type[pydantic.BaseModel]) -> str:
    """The keys of a table in a file."""
    properties = model.model_json_schema(by_alias=False)
    properties = properties.get("properties") or properties["$defs"][model.__name__]["properties"]
    rows = []
    for name, field in model.model_fields.items():
        default = "needed" if field.is_required() else f"`{json.dumps(field.default)}`"
        default = "none" if default == "`null`" else default
        kind = type_of(properties[name]).removesuffix(" or null")
        rows.append((f"`{name}`", kind, default, field.description or ""))
    return table(("key", "type", "default", "meaning"), rows)


def audit_record_table() -> str:
    """What every record of the audit has."""
    return words_table(("field", "meaning"), RECORD_FIELDS | SEAL_FIELDS)


def audit_events_table() -> str:
    """Every event of the audit."""
    return words_table(("event", "what it tells"), audit_events.AUDIT_EVENTS)


def audit_decisions_table() -> str:
    """Every word a record may have as its decision."""
    return words_table(("decision", "meaning"), audit_events.AUDIT_DECISIONS)


def audit_fields_table() -> str:
    """Every field a record may have of its own."""
    return words_table(("field", "meaning"), audit_events.AUDIT_FIELDS)
