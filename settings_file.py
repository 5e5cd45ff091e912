"""The settings file to begin with: each setting as a comment, with its meaning, default and bounds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import annotated_types
from pydantic.fields import FieldInfo

from settings import Settings

#: The first setting of each part, and its heading.
HEADINGS: Final = {
    "swarm_port": "Processes",
    "llm_base_url": "Models",
    "local_timeout_s": "Commands",
    "sandbox": "The sandbox of commands",
    "safety_timeout_s": "Safety",
    "max_attempts": "Attempts",
    "breaker_failures": "The circuit breaker",
    "plan_threshold": "Planning",
    "review_critic": "Review",
    "default_identity": "Identities and rewards",
    "tool_run_confidence": "Tools",
    "lease_s": "Leases",
    "tag_limits": "Concurrency limits",
    "budget_day_usd": "Budgets and rates",
    "queue_poll_s": "The queue file, the log and the disk",
    "traces": "Traces",
    "limit_file_bytes": "Bounds of what a queue file may ask for",
}
#: What stands for a setting that has no default.
_EXAMPLES: Final[dict[str, Any]] = {
    "llm_base_url": "https://api.openai.com/v1",
    "llm_api_key": "your key (SKEP_LLM_API_KEY in the environment does as well)",
    "llm_model": "name of the model",
    "llm_temperature": 0.2,
    "llm_price_input": 0.15,
    "llm_price_output": 0.6,
    "llm_proxy": "http://127.0.0.1:3128",
    "breaker_spend_per_minute": 1.0,
    "audit_checkpoint_file": "~/checkpoints/skep.jsonl",
    "budget_day_usd": 5.0,
    "budget_total_usd": 100.0,
    "budget_run_usd": 2.0,
    "sandbox_cpu_s": 600.0,
    "default_identity": "ada",
    "otel_endpoint": "http://127.0.0.1:4318",
}
_HEAD: Final = """\
# The settings of a Skep home. What is commented out is the default.
#
# The first of these that names a setting counts: a flag of the command line, the environment (SKEP_ and the
# name in capitals, such as SKEP_CONCURRENCY=4), skep.toml, config/skep.toml. A setting that does not exist or
# is out of its bounds is an error, so a typing mistake is never silent.
"""


def render_settings() -> str:
    """The file's text."""
    return _HEAD + "".join(_lines())


def _lines() -> Iterator[str]:
    for name, field in Settings.model_fields.items():
        if name in HEADINGS:
            yield f"\n# ---- {HEADINGS[name]} ----\n"
        bounds = bounds_of(field)
        yield f"\n# {field.description}{f' ({bounds})' if bounds else ''}\n"
        if field.default is None:
            yield f"# {name} = {toml_of(_EXAMPLES.get(name, ''))}  # an example; not set by default\n"
        else:
            yield f"# {name} = {toml_of(field.default)}\n"


def bounds_of(field: FieldInfo) -> str:
    """What a setting may be, in words; empty where any value will do."""
    least = most = ""
    for rule in field.metadata:
        if isinstance(rule, annotated_types.Ge):
            least = f"at least {_number(rule.ge)}"
        elif isinstance(rule, annotated_types.Gt):
            least = f"over {_number(rule.gt)}"
        elif isinstance(rule, annotated_types.Le):
            most = f"at most {_number(rule.le)}"
    return ", ".join(filter(None, (least, most)))


def _number(value: Any) -> str:
    return f"{value:,.0f}".replace(",", "_") if value >= 1000 else str(value)


def toml_of(value: Any) -> str:
    """A value as TOML writes it; for what settings hold that is JSON, but for tables."""
    if isinstance(value, dict):
        inner = ", ".join(f"{json.dumps(key)} = {toml_of(each)}" for key, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10_000:
        return f"{value:_}"
    return json.dumps(value, ensure_ascii=False)
