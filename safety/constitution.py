"""The constitution of a home: the rules that ship with Skep, and what the home's own file adds to them.

Read and checked once, at start: a rule that cannot be understood is an error that names the file, the rule
and what is wrong with it, never a rule that is silently left out.
"""

from __future__ import annotations

import functools
import hashlib
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple

import pydantic
from pydantic import ConfigDict, Field

from config_files import owned
from errors import InvalidSetting
from path_names import real_path
from safety.patterns import MOST_STEPS, MOST_STEPS_SHIPPED, SlowPattern, compile_safely
from safety.screen import Screen, ScreenRule, sequences
from safety.screen.lexicon import Lexicon

FILE: Final = "config/constitution.toml"
SHIPPED: Final = Path(__file__).resolve().parent.parent / FILE
#: Words that the shipped rules are made of, a file for each language.
WORDS: Final = SHIPPED.parent / "words"

Check = Literal["constitutional", "workspace", "network", "prompt"]
Action = Literal["block", "flag", "off"]
Mode = Literal["llm", "local"]
MODES: Final[tuple[Mode, ...]] = ("llm", "local")
Words = dict[str, list[str]]


class Rule(pydantic.BaseModel):
    """One rule as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,63}$")]
    check: Check
    action: Action = "block"
    sentence: Annotated[str, Field(min_length=1, max_length=300)]
    way_out: Annotated[str, Field(max_length=500)] = ""
    modes: list[Mode] = ["llm"]
    asks: list[str] = []
    claims: list[str] = []
    patterns: list[str] = []
    hints: list[str] = []
    unless: list[str] = []
    needs: Literal["anything", "order"] = "anything"
    spares: Literal["authors", "people", "nobody", "none"] = "authors"


class Turned(pydantic.BaseModel):
    """A shipped rule that a home turns to another action."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    action: Action


class _Document(pydantic.BaseModel):
    """The file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Annotated[str, Field(pattern=r"^[\w.+-]+$", max_length=40)] = "1"
    verbs: Words = {}
    nouns: Words = {}
    terms: Words = {}
    abroad: Words = {}
    spans: Words = {}
    languages: dict[str, Words] = {}
    anywhere: dict[str, Words] = {}
    implied: Words = {}
    rule: list[dict[str, Any]] = []
    callables: list[str] = []


@dataclass(frozen=True)
class Constitution:
    """Every rule of a home."""

    #: of the shipped rules, with a digest of the home's file where it has one
    version: str
    rules: dict[str, Rule]
    #: shipped rules that the home turned to another action
    turned: dict[str, Action]
    #: what looks at texts for a model, and at commands; none where no rule does
    screens: dict[Mode, Screen | None]
    #: functions of the home's own that are asked too, each ``module:function``
    callables: tuple[str, ...] = ()


def load(root: Path | None = None) -> Constitution:
    """The constitution of the home at `root`. Raises `InvalidSetting`."""
    own = None if root is None else _own_bytes(root)
    return _shipped() if own is None else _merged(own)


def has_own(root: Path) -> bool:
    """Whether the home at `root` has rules of its own. Raises `InvalidSetting` where that cannot be read."""
    return _own_bytes(root) is not None


def _own_bytes(root: Path) -> bytes | None:
    """The home's own file; none where there is none, or it is the one that ships."""
    own = _read(root / FILE)
    return None if real_path(root / FILE) == SHIPPED else own


def _read(path: Path) -> bytes | None:
    try:
        return owned.read(path, FILE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidSetting(f"{path}: cannot be read: {error.strerror}") from error


@functools.cache
def _shipped() -> Constitution:
    """What ships; read once, since every gateway of a process uses the same."""
    base = _parse(SHIPPED.read_bytes(), FILE, {})
    return _build(base.document.version, [base], {}, ())


@functools.cache
def _words() -> tuple[_Document, ...]:
    """The words that ship."""
    return tuple(
        _parse(path.read_bytes(), f"config/words/{path.name}", {}).document for path in _word_files()
    )


def _word_files() -> list[Path]:
    return sorted(WORDS.glob("*.toml"))


@dataclass(frozen=True)
class Told:
    """The rules of a home as they are written, for people to read; nothing is judged by this."""

    version: str
    rules: dict[str, Rule]
    turned: dict[str, Action]
    callables: tuple[str, ...]
    #: files of words that ship -> their version
    words: dict[str, str]


def told(root: Path) -> Told:
    """The rules of the home at `root`, at a part of what `load` costs. Raises `InvalidSetting`."""
    words = {path.stem: document.version for path, document in zip(_word_files(), _words(), strict=True)}
    base = _parse(SHIPPED.read_bytes(), FILE, {})
    data = _own_bytes(root)
    if data is None:
        return Told(base.document.version, base.rules, {}, (), words)
    own = _own(data, base)
    rules = base.rules | own.rules
    return Told(_version(base, data), rules, _turned(base, own), tuple(own.document.callables), words)


def _merged(data: bytes) -> Constitution:
    base = _parse(SHIPPED.read_bytes(), FILE, {})
    own = _own(data, base)
    return _build(_version(base, data), [base, own], _turned(base, own), tuple(own.document.callables))


def _own(data: bytes, base: _Parsed) -> _Parsed:
    return _parse(data, f"{FILE} of this home", base.rules)


def _version(base: _Parsed, data: bytes) -> str:
    return f"{base.document.version}+{hashlib.sha256(data).hexdigest()[:8]}"


def _turned(base: _Parsed, own: _Parsed) -> dict[str, Action]:
    return {
        rule.id: rule.action
        for rule in own.rules.values()
        if rule.id in base.rules and rule.action != base.rules[rule.id].action
    }


class _Parsed(NamedTuple):
    """A file that was read."""

    document: _Document
    rules: dict[str, Rule]
    #: where each rule stands, by its id
    places: dict[str, str]


def _parse(data: bytes, name: str, shipped: dict[str, Rule]) -> _Parsed:
    try:
        text = data.decode("utf-8")
        document = _Document.model_validate(tomllib.loads(text))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidSetting(f"{name}: {error}") from error
    except pydantic.ValidationError as error:
        raise InvalidSetting(f"{name}: {_told(error)}") from error
    parsed = _Parsed(document, {}, {})
    for raw in document.rule:
        place = _place(name, text, raw.get("id"))
        rule = _rule(raw, place, shipped)
        if rule.id in parsed.rules:
            raise InvalidSetting(f"{place}: there are two rules of this id")
        parsed.rules[rule.id] = rule
        parsed.places[rule.id] = place
    return parsed


def _rule(raw: dict[str, Any], place: str, shipped: dict[str, Rule]) -> Rule:
    try:
        if raw.get("id") in shipped:
            turned = Turned.model_validate(raw)
            return shipped[turned.id].model_copy(update={"action": turned.action})
        return Rule.model_validate(raw)
    except pydantic.ValidationError as error:
        hint = ""
        if raw.get("id") in shipped:
            hint = "; a shipped rule takes an action only: give your own rule another id"
        raise InvalidSetting(f"{place}: {_told(error)}{hint}") from error


def _place(name: str, text: str, rule: object) -> str:
    """Where a rule stands: the file, its line, its id."""
    for number, line in enumerate(text.splitlines(), start=1):
        if re.fullmatch(rf"\s*id\s*=\s*[\"']{re.escape(str(rule))}[\"']\s*(?:#.*)?", line):
            return f"{name}, line {number}, rule {rule}"
    return f"{name}, rule {rule}"


def _told(error: pydantic.ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False)[0]
    place = ".".join(str(part) for part in found["loc"])
    return f"{place}: {found['msg'].removeprefix('Value error, ')}"


def _build(
    version: str, files: list[_Parsed], turned: dict[str, Action], callables: tuple[str, ...]
) -> Constitution:
    documents = [file.document for file in files]
    lexicon = _lexicon([*_words(), *documents])
    rules: dict[str, Rule] = {}
    ready: dict[str, ScreenRule] = {}
    for file in files:
        for rule in file.rules.values():
            if rule.id not in ready:
                is_shipped = file is files[0]
                ready[rule.id] = _screen_rule(rule, lexicon, file.places[rule.id], is_shipped=is_shipped)
        rules |= file.rules
    screens: dict[Mode, Screen | None] = {}
    for mode in MODES:
        active = [ready[rule.id] for rule in rules.values() if rule.action != "off" and mode in rule.modes]
        screens[mode] = Screen(lexicon, active) if active else None
    return Constitution(version, rules, turned, screens, callables)


def _lexicon(documents: list[_Document]) -> Lexicon:
    """Every word of the files; those of a class that is short for others are in each of them."""
    implied = _together(documents, "implied")
    terms, spans = (_together(documents, name) for name in ("terms", "spans"))
    for table in (document.languages for document in documents):
        terms = functools.reduce(_joined, table.values(), terms)
    for table in (document.anywhere for document in documents):
        spans = functools.reduce(_joined, table.values(), spans)
    return Lexicon(
        _together(documents, "verbs"),
        _together(documents, "nouns"),
        _spread(_joined(terms, _together(documents, "abroad")), implied),
        _spread(spans, implied),
    )


def _spread(words: Words, implied: Words) -> Words:
    result: Words = {}
    for name, listed in words.items():
        for meant in implied.get(name, [name]):
            result.setdefault(meant, []).extend(listed)
    return result


def _together(documents: list[_Document], table: str) -> Words:
    result: Words = {}
    for document in documents:
        result = _joined(result, getattr(document, table))
    return result


def _joined(one: Words, other: Words) -> Words:
    return {name: [*one.get(name, ()), *other.get(name, ())] for name in {**one, **other}}


def _screen_rule(rule: Rule, lexicon: Lexicon, place: str, *, is_shipped: bool) -> ScreenRule:
    def shapes(texts: list[str]) -> tuple[sequences.Shape, ...]:
        return tuple(shape for text in texts for shape in sequences.parse(text, lexicon.bit))

    most_steps = MOST_STEPS_SHIPPED if is_shipped else MOST_STEPS
    try:
        return ScreenRule(
            id=rule.id,
            asks=shapes(rule.asks),
            claims=shapes(rule.claims),
            unless=shapes(rule.unless),
            patterns=tuple(compile_safely(pattern, most_steps) for pattern in rule.patterns),
            hints=tuple(rule.hints),
            needs_order=rule.needs == "order",
            spares=rule.spares,
            blocks=rule.action == "block",
        )
    except (sequences.BadShape, SlowPattern, re.error) as error:
        raise InvalidSetting(f"{place}: {error}") from error
