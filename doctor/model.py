"""Whether a model answers, and what it costs.

A configured server is asked for its list of models, which costs nothing anywhere; no model is asked for an
answer. Whatever is wrong is a warning: commands run without a model. While the kill switch is on nobody is
asked, as nothing may be sent then.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from doctor.findings import Finding, fail, ok, warn
from errors import ModelBusy, ModelError, ModelFailed, ModelTimeout, ModelUnreachable, SkepError
from sentences import ended
from settings import Home, Settings
from store import kill_file
from store.kill_file import KillFile

if TYPE_CHECKING:
    from llm.discovery import ModelStatus
    from llm.endpoint import Endpoint

#: What servers answer that have no list of models: not found, wrong method, not implemented.
_NO_LIST: Final = frozenset({404, 405, 501})
_WRONG_KEY: Final = frozenset({401, 403})
_WITHOUT: Final = "commands run without one."
#: Names that are told of a list, and their characters.
_MOST_NAMES: Final = 10
_NAMES_CHARS: Final = 200


def check_model(home: Home, settings: Settings) -> Iterator[Finding]:
    """Whether a model answers, and what it costs."""
    from llm.discovery import find_model

    killed = kill_file.look(home.kill_switch)
    if killed is not None and not (settings.llm_base_url and settings.llm_model):
        yield _not_asked("No server was asked which models it has", killed)
        return
    try:
        found = find_model(settings)
        yield _look(settings, found, killed)
    except SkepError as error:
        yield fail("model", error.message, "Correct the setting.")
        return
    if found.ready:
        yield from _check_price(home, settings, found)


def _look(settings: Settings, found: ModelStatus, killed: KillFile | None) -> Finding:
    from llm.discovery import endpoint_of

    if not found.ready:
        return warn("model", found.reason, "LLM tasks wait until a model is there; commands run without one.")
    if found.reached:
        return ok("model", found.reason)
    model = found.model or ""
    if killed is not None:
        return _not_asked(f"{model} is configured at {found.endpoint}, and was not asked", killed)
    return _ask(model, endpoint_of(settings))


def _not_asked(told: str, killed: KillFile) -> Finding:
    return warn(
        "model", ended(f"{told}: {killed.sentence}"), "Once the switch is off, call `skep doctor` again."
    )


def _ask(model: str, endpoint: Endpoint) -> Finding:
    """What the server says when it is asked for its list."""
    from llm.failures import clean
    from llm.ping import listing

    found, server = listing(endpoint), f"The model server at {endpoint.base_url}"
    if found.error is not None:
        return _trouble(model, server, found.error)
    if not found.lacks([model]):
        return ok("model", f"{server} answered in {found.seconds:.2f} s and has {model}.")
    if not found.names:
        way_out = f"Have it offer {model}, if it does not merely keep its list empty; {_WITHOUT}"
        return warn("model", f"{server} answered, and names no models.", way_out)
    some = clean(", ".join(found.names[:_MOST_NAMES]), endpoint.api_key, _NAMES_CHARS)
    more = " and more" if len(found.names) > _MOST_NAMES else ""
    return warn(
        "model",
        f"{server} answered, and {model} is not on its list: {some}{more}.",
        f"Correct SKEP_LLM_MODEL (llm_model), or have the server offer it; {_WITHOUT}",
    )


def _trouble(model: str, server: str, error: ModelError) -> Finding:
    status = error.details.get("server_status")
    if error.details.get("has_list") is False or status in _NO_LIST:
        why = "" if status is None else f" ({status})"
        told = (
            f"{server} was reached and names no models{why}, so the first call tells whether it has {model}"
        )
        return ok("model", f"{told}; if that is refused too, SKEP_LLM_BASE_URL is wrong.")
    return warn("model", error.message, f"{_way_out(status, error)}, and {_WITHOUT}")


def _way_out(status: int | None, error: ModelError) -> str:
    """What to do about a server that gives no list."""
    if status in _WRONG_KEY:
        return "Give the right key as SKEP_LLM_API_KEY (llm_api_key); LLM tasks are refused until then"
    if isinstance(error, ModelUnreachable | ModelTimeout):
        return "Start it, or correct SKEP_LLM_BASE_URL (llm_base_url); LLM tasks wait until it answers"
    if isinstance(error, ModelBusy):
        return "Wait; LLM tasks are tried again by themselves"
    if isinstance(error, ModelFailed):
        return "Look at its own log, or name another by SKEP_LLM_BASE_URL; LLM tasks fail while it does"
    return "Correct what it names; LLM tasks are refused until then"


def _check_price(home: Home, settings: Settings, found: ModelStatus) -> Iterator[Finding]:
    from cost.model_catalog import ModelCatalog, Place
    from llm.endpoint import is_loopback

    endpoint = found.endpoint or ""
    place = Place(endpoint, is_loopback(urlsplit(endpoint).hostname or ""), found.model)
    try:
        facts = ModelCatalog.of_home(settings, home.models_file).facts(found.model or "", place)
    except SkepError as error:
        yield fail("price", error.message, "Correct the file.")
        return
    if facts.price is None:
        yield warn(
            "price", f"Nobody knows what {found.model} costs, so it is not asked.",
            "Set llm_price_input and llm_price_output, or name it in config/models.toml.",
        )  # fmt: skip
    else:
        yield ok("price", f"{found.model}: {facts.price} ({facts.source})")
