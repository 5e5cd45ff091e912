"""Reads a file that a person writes, YAML, JSON or TOML, as plain values that know where they stand.

YAML is read as the values JSON has: texts, numbers, true and false, null, lists and objects. Words such as
``yes`` and dates stay texts, a key that stands twice is refused, and so are anchors, aliases and tags, which
such files have no use for and a hostile one has. Every value can be found again by line and column, so that
whoever refuses it can point at it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from config_files import toml_spots
from config_files.nesting import TOO_DEEP, BoundedLoader, json_breach, json_word
from errors import InvalidFile

#: Bytes of a file.
MOST_BYTES: Final = 1024 * 1024

#: What an unquoted word means, by YAML's core schema.
_PLAIN: Final[tuple[tuple[re.Pattern[str], Any], ...]] = (
    (re.compile(r"null|Null|NULL|~|"), lambda _: None),
    (re.compile(r"true|True|TRUE"), lambda _: True),
    (re.compile(r"false|False|FALSE"), lambda _: False),
    (re.compile(r"[-+]?[0-9]{1,400}"), int),
    (re.compile(r"[-+]?(?:\.[0-9]{1,400}|[0-9]{1,400}(?:\.[0-9]{0,400})?)(?:[eE][-+]?[0-9]{1,4})?"), float),
)

#: What PyYAML calls the kinds of nodes; whatever else a file names would ask for more than values.
_TAGS: Final = {
    f"tag:yaml.org,2002:{kind}"
    for kind in ("str", "int", "float", "bool", "null", "seq", "map", "timestamp", "merge", "value")
}

#: How `tomllib` says where it stopped.
_TOML_SPOT: Final = re.compile(r" \(at line (\d+), column (\d+)\)$")

#: The keys and numbers that lead to a value.
Way = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file, from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """What stands in a file."""

    #: as messages name it
    name: str
    value: Any
    _spots: dict[Way, Spot] = field(default_factory=dict)

    def spot(self, path: Sequence[str | int]) -> Spot | None:
        """Where a value stands; of one that is missing, where it is missing."""
        parts = tuple(path)
        for length in range(len(parts), -1, -1):
            if parts[:length] in self._spots:
                return self._spots[parts[:length]]
        return None

    def where(self, path: Sequence[str | int]) -> str:
        """The place of a value as messages begin with it: ``flow.yaml:3:5``."""
        spot = self.spot(path)
        return self.name if spot is None else f"{self.name}:{spot.line}:{spot.column}"


def read_document(path: Path, read: Callable[[Path, int], bytes] | None = None) -> Document:
    """The document in a file. Raises `InvalidFile` with line and column, `OSError`.

    `read` brings up to so many bytes of it, where not every file will do.
    """
    data = (read or _read_any)(path, MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InvalidFile(f"{path.name}: is over {MOST_BYTES:,} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidFile(f"{path.name}: is not UTF-8 at byte {error.start}") from error
    if path.suffix.lower() == ".toml":
        return _read_toml(text, path.name)
    return parse_document(text, path.name, is_json=path.suffix.lower() == ".json")


def _read_any(path: Path, most_bytes: int) -> bytes:
    with path.open("rb") as file:
        return file.read(most_bytes)


def parse_document(text: str, name: str, *, is_json: bool = False) -> Document:
    """The document in a text. Raises `InvalidFile` with line and column."""
    if is_json:
        value = _read_json(text, name)
        try:
            return Document(name, value, _Reader(name).read(text.replace("\t", " "))[1])
        except InvalidFile as error:
            if error.details.get("rule") == "twice":
                raise
            return Document(name, value)  # JSON that no YAML reader follows: told without places
    value, spots = _Reader(name).read(text)
    return Document(name, value, spots)


def _read_toml(text: str, name: str) -> Document:
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        told = str(error)
        spot = _TOML_SPOT.search(told)
        where = "" if spot is None else f":{spot[1]}:{spot[2]}"
        raise InvalidFile(f"{name}{where}: {_TOML_SPOT.sub('', told)}") from error
    except RecursionError as error:
        raise InvalidFile(f"{name}: is nested too deeply") from error
    return Document(name, value, {way: Spot(*spot) for way, spot in toml_spots.find(text).items()})


def _read_json(text: str, name: str) -> Any:
    def refuse(word: str) -> Any:
        line, column = json_word(text)
        raise InvalidFile(f"{name}:{line}:{column}: {word} is no JSON")

    breach = json_breach(text)
    if breach is not None:
        raise InvalidFile(f"{name}:{breach[0]}:{breach[1]}: {TOO_DEEP}")
    try:
        return json.loads(text, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise InvalidFile(f"{name}:{error.lineno}:{error.colno}: {error.msg}") from error


class _Reader:
    """Walks the nodes of one YAML document."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen: set[int] = set()
        self._spots: dict[Way, Spot] = {}

    def read(self, text: str) -> tuple[Any, dict[Way, Spot]]:
        try:
            node = yaml.compose(text, Loader=BoundedLoader)
        except yaml.MarkedYAMLError as error:
            raise self._refused(error.problem_mark, error.problem or "cannot be read") from error
        except yaml.YAMLError as error:
            raise InvalidFile(f"{self._name}: cannot be read: {error}") from error
        return (None if node is None else self._value(node, ())), self._spots

    def _refused(self, mark: yaml.Mark | None, why: str, rule: str = "") -> InvalidFile:
        spot = "" if mark is None else f":{mark.line + 1}:{mark.column + 1}"
        return InvalidFile(f"{self._name}{spot}: {why}", rule=rule)

    def _value(self, node: yaml.Node, path: Way) -> Any:
        mark = node.start_mark
        if id(node) in self._seen:
            raise self._refused(mark, "an alias repeats it; write it out")
        self._seen.add(id(node))
        self._spots[path] = Spot(mark.line + 1, mark.column + 1)
        if node.tag not in _TAGS:
            raise self._refused(mark, f"the tag {node.tag} is not known here")
        if isinstance(node, yaml.MappingNode):
            return self._object(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(each, (*path, number)) for number, each in enumerate(node.value)]
        is_plain = isinstance(node, yaml.ScalarNode) and node.style is None
        return _plain(node.value) if is_plain else str(node.value)

    def _object(self, node: yaml.MappingNode, path: Way) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._refused(key_node.start_mark, "a key must be a word")
            key: str = key_node.value
            if key in found:
                raise self._refused(key_node.start_mark, f"the key {key!r} stands twice", "twice")
            found[key] = self._value(value_node, (*path, key))
            self._spots[*path, key] = _after(key_node, value_node)
        return found


def _after(key: yaml.Node, value: yaml.Node) -> Spot:
    """Where a value of an object is pointed at: itself where it stands on its key's line, else its key."""
    mark = value.start_mark if value.start_mark.line == key.start_mark.line else key.start_mark
    return Spot(mark.line + 1, mark.column + 1)


def _plain(word: str) -> Any:
    for pattern, make in _PLAIN:
        if pattern.fullmatch(word):
            return make(word)
    return word
