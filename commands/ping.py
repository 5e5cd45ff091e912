"""``skep ping``: whether the model server is there, and has the models that this home names."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import click

from clock import SystemClock
from commands import terminal
from commands.exits import FAILED, FINE, UNREACHABLE
from commands.place import Place, json_option, with_place
from llm.discovery import NOT_CONFIGURED, first_chat_model
from llm.ping import Ping
from panel.pings import Pings, named_models
from redaction import clean_value
from store import kill_file

_NO_CHAT = "no model configured: {} lists no model that chats; set SKEP_LLM_MODEL"


@dataclass(frozen=True, slots=True)
class Found:
    """What came of a ping."""

    code: int
    ping: Ping
    #: models that were asked about
    asked: list[str]
    #: a sentence for a person
    reason: str


@click.command(
    help="""Ask the model server for its list of models, which costs nothing, and tell how long that took.

    With MODEL also whether it has that one; without, whether it has all that this home names: llm_model,
    review_critic_model and those of config/models.toml. Works without a daemon, within five seconds.

    \b
    Exit codes: 0 it answered and has them, 1 it did not, or lacks one,
    3 no model is configured.

    Example: skep ping"""
)
@click.argument("model", required=False)
@json_option
@with_place
def ping(place: Place, model: str | None, as_json: bool) -> int:
    """Ask the server that the settings name, or Ollama."""
    place.check_state()
    found = _look(place, [model] if model else named_models(place.settings, place.home.models_file))
    if as_json:
        lacks = set(found.ping.missing)
        listed = [{"model": name, "listed": found.ping.welcome and name not in lacks} for name in found.asked]
        told = {"ok": found.code == FINE, **asdict(found.ping), "reason": found.reason, "asked": listed}
        terminal.print_json(clean_value(told))
    elif found.code == FINE:
        click.echo(terminal.clean(_sentence(found)))
    else:
        terminal.note(terminal.clean(f"skep ping: {_sentence(found)}"))
    return found.code


def _look(place: Place, wanted: list[str]) -> Found:
    """Raises `KillSwitchOn` and `InvalidSetting`."""
    settings = place.settings
    told = Pings().ping(settings, SystemClock(), kill_file.look(place.home.kill_switch), wanted)
    if settings.llm_base_url is None and not told.reached:
        return Found(UNREACHABLE, told, wanted, f"{NOT_CONFIGURED}. {told.reason}")
    if not told.welcome:
        return Found(FAILED, told, wanted, told.reason)
    in_use = wanted[0] if wanted else first_chat_model(list(told.models))
    if in_use is None:
        return Found(UNREACHABLE, told, [], _NO_CHAT.format(told.endpoint))
    return Found(FAILED if told.missing else FINE, told, wanted or [in_use], told.reason)


def _sentence(found: Found) -> str:
    """Where was asked, what came of it, and with which models."""
    has = f" It has {', '.join(found.asked)}." if found.code == FINE else ""
    where = "" if found.ping.endpoint in found.reason else f"{found.ping.endpoint}: "
    return f"{where}{found.reason}{has}"
