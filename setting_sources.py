"""Where settings come from; read once at start and passed on.

A value comes from the first of: a command-line flag, the environment (``SKEP_`` and the name in capitals),
``skep.toml`` in the home, ``config/skep.toml`` in the home, the default. An unknown or wrong setting is an
error that names the setting, where it stands and what is allowed.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pydantic
from pydantic_core import ErrorDetails

from config_files import own_home, owned, tables, way
from errors import InvalidSetting
from path_names import expanded
from redaction import KNOWN
from settings import Home, Settings

ENVIRONMENT_PREFIX: Final = "SKEP_"
#: The source of what a variable says.
ENVIRONMENT: Final = "environment"
#: Variables with the prefix that are not settings.
_NOT_SETTINGS: Final = frozenset({"SKEP_HOME", "SKEP_FAULT", "SKEP_CYCLE"})
SETTINGS_FILES: Final = ("config/skep.toml", "skep.toml")
#: What a value of the wrong type should have been, by the library's name for the mistake.
_KINDS: Final = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "dict_type": "a table",
}
#: Settings that may carry a password: http://user:password@host
_ADDRESSES: Final = ("llm_base_url", "ollama_url", "llm_proxy", "otel_endpoint")
#: Settings that grant rights: a file of the user's own says them, and nothing else does.
FILES_ONLY: Final = frozenset({"profiles"})
#: The same of single values, and there the file must be the user's own.
VALUES_OF_FILES_ONLY: Final = {"sandbox": "off"}


def find_home(flag: str | None, environ: Mapping[str, str]) -> Home:
    """The home named by the flag or ``SKEP_HOME``, else the current directory.

    Raises `InvalidSetting` where the current directory is needed and is gone, or where the way to the home
    leads over what another user put into a folder for everybody.
    """
    named = flag or environ.get("SKEP_HOME")
    try:
        return Home(way.walk_to(expanded(named or os.curdir)))
    except FileNotFoundError as error:  # of getcwd(3)
        told = "the current directory does not exist any more; change to another"
        way_out = "" if named else ", or name a home with --home or SKEP_HOME"
        raise InvalidSetting(f"home: {told}{way_out}", setting="home") from error


def why_no_folder(home: Home) -> str | None:
    """Why there can be no home where one is named: a file stands there, or above; none where there can."""
    place = next((each for each in (home.root, *home.root.parents) if os.path.lexists(each)), home.root)
    if os.path.isdir(place) or not os.path.exists(place):  # noqa: PTH110, PTH112  their counterparts raise
        return None
    above = "" if place == home.root else f", so {home.root} cannot be a home"
    return f"{place} is a file and not a folder{above}; name another folder with --home or SKEP_HOME."


class Loaded(typing.NamedTuple):
    """Settings, and where each value that is not a default came from."""

    settings: Settings
    sources: dict[str, str]


def load_settings(home: Home, environ: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Loaded:
    """Read the settings of `home`.

    Raises `InvalidSetting`, also where its place is no folder, or where others can put files into it.
    """
    if (why := why_no_folder(home)) is not None:
        raise InvalidSetting(f"home: {why}", setting="home")
    own_home.check_home(home.root)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name in SETTINGS_FILES:
        _take(values, sources, _from_file(home.root / name, name), name)
    _take(values, sources, _from_environment(environ), ENVIRONMENT)
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    _take(values, sources, given, "command line")
    _check_sources(home, values, sources)
    try:
        loaded = with_models(home, Loaded(Settings.model_validate(values), sources))
        _learn_secrets(loaded.settings, environ)
        return loaded
    except pydantic.ValidationError as error:
        raise _explain(error, sources) from error


def with_models(home: Home, loaded: Loaded) -> Loaded:
    """Settings with the rates and the concurrency that the home's list of models adds.

    What a setting says of a model by its name counts over the list, and the list over what a setting says of
    every other model. A list that is wrong adds nothing here: who looks may go on looking, and the processes
    that ask models refuse to start by it (`cost.model_catalog`).
    """
    from config_files.models import read_models_file  # noqa: PLC0415  most homes have none to be read

    try:
        found = tables.find(home.models_file)
        limits = {} if found.path is None else read_models_file(home.models_file).limits()
    except InvalidSetting:
        return loaded
    merged = {name: by_model | getattr(loaded.settings, name) for name, by_model in limits.items()}
    sources = dict.fromkeys(merged, found.name)
    for name in merged.keys() & loaded.sources.keys():
        sources[name] = f"{loaded.sources[name]}, {found.name}"
    return Loaded(loaded.settings.model_copy(update=merged), loaded.sources | sources)


def _learn_secrets(settings: Settings, environ: Mapping[str, str]) -> None:
    """What settings and environment hold of secrets is shown by no log, event or error from here on."""
    KNOWN.learn_environment(environ)
    if settings.llm_api_key is not None:
        KNOWN.learn(settings.llm_api_key.get_secret_value(), "llm-api-key")
    for name in _ADDRESSES:
        if (password := _password(getattr(settings, name))) is not None:
            KNOWN.learn(password, "url-password")


def files_with_secrets(home: Home) -> Iterator[Path]:
    """The settings files in which a key or a password stands, as far as they can be read."""
    for name in SETTINGS_FILES:
        try:
            values = _from_file(home.root / name, name)
        except InvalidSetting:  # told where settings are loaded
            continue
        if values.get("llm_api_key") or any(_password(values.get(each)) for each in _ADDRESSES):
            yield home.root / name


def _password(address: object) -> str | None:
    """The password in an address; none where it has none, or is no address."""
    try:
        return urlsplit(address).password or None if isinstance(address, str) else None
    except ValueError:  # such as half a bracket of an IPv6 address
        return None


def _take(values: dict[str, Any], sources: dict[str, str], found: Mapping[str, Any], source: str) -> None:
    for name, value in found.items():
        if name not in Settings.model_fields:
            raise _unknown(source, name)
        if name in FILES_ONLY and source not in SETTINGS_FILES:
            raise InvalidSetting(
                f"{_named(source, name)} may be said by skep.toml only; put it there", setting=name
            )
        values[name] = value
        sources[name] = source


def _unknown(source: str, name: str) -> InvalidSetting:
    """The error for a setting that there is not, with the one that was meant."""
    close = difflib.get_close_matches(name, Settings.model_fields, n=1)
    if source == ENVIRONMENT:
        hint = f"did you mean {_variable(close[0])}?" if close else "unset it, or correct its name"
        return InvalidSetting(f"{_variable(name)}: there is no setting {name!r}; {hint}", setting=name)
    hint = f"; did you mean {close[0]}?" if close else ""
    return InvalidSetting(f"{source}: there is no setting {name!r}{hint}", setting=name)


def _named(source: str, name: str) -> str:
    """Where a wrong value stands and of what, to begin a sentence with; a variable's name says both."""
    return f"{_variable(name)}:" if source == ENVIRONMENT else f"{source}: {name}"


def _variable(name: str) -> str:
    return f"{ENVIRONMENT_PREFIX}{name.upper()}"


def _check_sources(home: Home, values: Mapping[str, Any], sources: Mapping[str, str]) -> None:
    """Raise `InvalidSetting` where a value came from where it must not come from."""
    for name, value in VALUES_OF_FILES_ONLY.items():
        source = sources.get(name)
        if values.get(name) != value or source is None:
            continue
        if source not in SETTINGS_FILES:
            named = _named(source, name) if source == ENVIRONMENT else f"{source}: {name} ="
            told = f'{named} "{value}" may be said by a settings file only; put it into skep.toml'
            raise InvalidSetting(told, setting=name)
        mode = (home.root / source).stat()
        if mode.st_uid != os.geteuid() or mode.st_mode & 0o022:
            way_out = "chmod go-w" if mode.st_uid == os.geteuid() else f"chown {os.geteuid()}"
            told = (
                f'{source}: {name} = "{value}" counts only in a file that is yours and that nobody else may '
                f"write: {way_out} {source}"
            )
            raise InvalidSetting(told, setting=name)


def _from_file(path: Path, shown: str) -> dict[str, Any]:
    """The settings of a TOML file; ``[llm] model`` and ``llm_model`` are the same setting."""
    try:
        tables = tomllib.loads(owned.read(path, shown).decode("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InvalidSetting(f"{shown}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidSetting(f"{shown}: {error}") from error
    flat: dict[str, Any] = {}
    for name, value in tables.items():
        if isinstance(value, dict) and name not in Settings.model_fields:
            flat.update({f"{name}_{key}": inner for key, inner in value.items()})
        else:
            flat[name] = value
    return flat


def setting_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """The setting that each variable names, of those that are set, by the variable's name."""
    return {
        variable: variable.removeprefix(ENVIRONMENT_PREFIX).lower()
        for variable, text in environ.items()
        if variable.startswith(ENVIRONMENT_PREFIX) and variable not in _NOT_SETTINGS and text
    }


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found = setting_variables(environ)
    return {name: _read_text(name, environ[variable]) for variable, name in found.items()}


def _read_text(name: str, text: str) -> Any:
    """The text of a variable, or what it says as JSON where the setting is a table."""
    field = Settings.model_fields.get(name)
    if field is None or typing.get_origin(field.annotation) not in {dict, types.GenericAlias}:
        return text
    try:
        return json.loads(text)
    except ValueError:
        shown = "" if name in FILES_ONLY else _shown(name, text)
        told = f'{_named(ENVIRONMENT, name)} must be JSON such as {{"gpu": 1}}{shown}'
        raise InvalidSetting(told, setting=name) from None


def _explain(error: pydantic.ValidationError, sources: dict[str, str]) -> InvalidSetting:
    found = error.errors(include_url=False)[0]
    name = str(found["loc"][0]) if found["loc"] else "settings"
    named = _named(sources.get(name, "settings"), name)
    return InvalidSetting(f"{named} {_rule(found)}{_shown(name, found['input'])}", setting=name)


def _rule(found: ErrorDetails) -> str:
    """What is allowed, in our words where the library's are those of a programmer."""
    if (kind := _KINDS.get(found["type"])) is not None:
        return f"must be {kind}" if len(found["loc"]) < 2 else f"every value must be {kind}"
    rule = found["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return rule if rule.startswith(("must", "every")) else f"must be {rule}"


def _shown(name: str, value: object) -> str:
    """The end of the sentence: the value, unless it is a secret."""
    # An address may carry a password: http://user:password@host
    is_secret = name == "llm_api_key" or "@" in str(value)
    return "" if is_secret else f", got {value!r}"
