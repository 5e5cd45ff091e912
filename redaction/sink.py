"""The one sink: a text in, the text without secrets out, with the number and kinds of what was taken.

What stands in a secret's place names its kind: ``[redacted:openai-key]``. Redacting twice is redacting once.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from redaction import known, named
from redaction.shapes import KEYS, USERINFO, Shape

#: ECMA-48, 5.4: CSI, parameters, intermediate bytes and a final one.
_CONTROL_SEQUENCE: Final = re.compile(r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]")
_SHAPES: Final[tuple[Shape, ...]] = (*KEYS, *USERINFO)
_NEEDLES: Final = tuple(
    dict.fromkeys(needle for shape in _SHAPES for needle in shape.needles if needle != ".")
)
#: No key is shorter.
_LONG: Final = re.compile(r"[\w+/=.~:-]{18}", re.ASCII)
_BEGIN: Final = "-----BEGIN"
_PRIVATE: Final = re.compile(
    r"-----BEGIN ([A-Z0-9 ]{0,40})(?:PRIVATE KEY(?: BLOCK)?|CERTIFICATE REQUEST)-----"
)
#: The end of a line: as it is, as JSON and programming languages escape it, and as HTML says it.
_NEWLINE: Final = (
    r"(?:\r?\n|(?:\\{1,2}r)?\\{1,2}n|[\v\f\x85\u2028\u2029]"
    r"|\\{1,2}(?:u00|x)0[aAdD]|&#(?:10|13|[xX]0?[aAdD]);|<[bB][rR] {0,2}/?>)"
)
#: The number of a line, as ``grep -n`` and ``cat -n`` put it before.
_NUMBER: Final = r"(?<![A-Za-z0-9+/=])[0-9]{1,7}(?=[:.)\t |-])[:.)]?"
_BETWEEN: Final = rf"(?>(?:{_NEWLINE}|[ \t\r>|#*,\"'-]|{_NUMBER})*)"
_BASE64: Final = "[A-Za-z0-9+/=]"
#: What of a key follows its first line: what is left of a line that was cut, lines about it (RFC 4880, 6.2),
#: its lines of base64, which may be marked as quotations are, and a last one, which alone may be short. So
#: words of a text that only tells of a key are no part of one. What is taken is never given back, by atomic
#: groups: a group with ``*+`` behind it takes too much before Python 3.11.5 (python/cpython, issue 106052).
_PEM_BODY: Final = re.compile(
    rf"{_BASE64}*+(?>(?:{_NEWLINE}[ \t]*[A-Za-z][A-Za-z0-9-]{{0,60}}: [^\n\\]{{0,300}})*)"
    rf"(?>(?:{_BETWEEN}{_BASE64}{{16,}}+)*)"
    rf"(?>(?:{_BETWEEN}{_BASE64}{{1,15}}+(?=[ \t]*(?:[\r\n\\\"'<&\v\f\x85\u2028\u2029]|-----|\Z)))?)"
    rf"(?>(?:{_BETWEEN}\\*\Z)?)"  # at the end of a text another line may follow
)
_END: Final = "-----END "
_AWS_SECRET: Final = re.compile(r"(?<![A-Za-z0-9/+=])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])")
#: characters around an AWS key id in which its secret is looked for
_AWS_NEAR: Final = 400

#: characters behind the beginning of a text that are looked at with it
_BEHIND_A_CUT: Final = 8_192

#: characters of a text that is remembered as it was shown, and how many are
_SHORT: Final = 64
_MOST_SHORT: Final = 4096

Span = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Redacted:
    """A text that may be shown."""

    text: str
    #: how many of each kind were taken out
    kinds: dict[str, int]

    @property
    def count(self) -> int:
        """How many secrets were taken out."""
        return sum(self.kinds.values())


def redact(text: str) -> Redacted:
    """Take the secrets out of a text."""
    if not is_suspicious(text):
        return Redacted(text, {})
    kinds: dict[str, int] = {}
    for form, kind in known.KNOWN.forms:
        if form in text:
            kinds[kind] = kinds.get(kind, 0) + text.count(form)
            text = text.replace(form, f"[redacted:{kind}]")
    for finder in (_pem, _keys, _named):
        spans = list(_apart(finder(_plain(text))))
        for _, _, kind in spans:
            kinds[kind] = kinds.get(kind, 0) + 1
        text = _without(text, spans)
    return Redacted(text, kinds)


def _plain(text: str) -> str:
    """The text with blanks for what sets colours on a terminal, whose last letter joins the next word."""
    if "\x1b" not in text and "\x9b" not in text:
        return text
    return _CONTROL_SEQUENCE.sub(lambda found: " " * len(found[0]), text)


def clean(text: str) -> str:
    """The text without its secrets."""
    if len(text) <= _SHORT:
        return _clean_short(text, known.KNOWN.learnt)
    return redact(text).text


@functools.lru_cache(maxsize=_MOST_SHORT)
def _clean_short(text: str, learnt: int) -> str:
    """The same of a short text, of which lists show the same ones again and again: names, states, sources.

    `learnt` is there so that what was shown before a secret was known is not what is shown after it.
    """
    return redact(text).text


def clean_start(text: str, most: int) -> str:
    """The first characters of a text without its secrets.

    It is cleaned before it is cut, for half a secret is not known for one; and not much of it is read, so
    that a long text costs no more than a short one.
    """
    return clean(text[: most + _BEHIND_A_CUT])[:most]


def clean_value(value: Any) -> Any:
    """A JSON value without secrets in its texts and in what its members are called."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {_clean_name(name): _clean_member(name, inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [clean_value(inner) for inner in value]
    return value


def _clean_name(name: Any) -> Any:
    return clean(name) if isinstance(name, str) else name


def _clean_member(name: Any, value: Any) -> Any:
    """A member of an object: what it is called may say what it is."""
    if not isinstance(value, str) or not isinstance(name, str):
        return clean_value(value)
    shown = clean(value)
    if shown == value and known.is_secret_name(name):
        told = f"{name}={value}"
        shown = clean(told).removeprefix(f"{name}=")
    return shown


def is_suspicious(text: str) -> bool:
    """Whether there may be a secret. Cheap: most texts have none."""
    if _LONG.search(text) is not None:
        for needle in _NEEDLES:
            if needle in text:
                return True
    if "://" in text or _BEGIN in text:
        return True
    lowered = text.lower()
    for needle in named.NEEDLES:
        if needle in lowered:
            return True
    return any(form in text for form, _ in known.KNOWN.forms)


def _keys(text: str) -> Iterator[Span]:
    for shape in _SHAPES:
        if any(needle in text for needle in shape.needles):
            for found in shape.pattern.finditer(text):
                if shape.check is None or shape.check(found):
                    yield *found.span(shape.group), shape.kind
                    if shape.kind == "aws-key-id":
                        yield from _aws_secrets(text, found.start())


def _aws_secrets(text: str, place: int) -> Iterator[Span]:
    """The other half of an AWS key: forty letters near its id that are no hash."""
    start = max(0, place - _AWS_NEAR)
    for found in _AWS_SECRET.finditer(text, start, place + _AWS_NEAR):
        if any(map(str.isupper, found[0])) and any(map(str.islower, found[0])):
            yield *found.span(), "aws-secret"


def _named(text: str) -> Iterator[Span]:
    lowered = text.lower()
    if any(needle in lowered for needle in named.NEEDLES):
        yield from named.find(text)


def open_key(text: str) -> str:
    """How the private key begins that a text ends amid; empty where it ends amid none.

    With that before it, what follows is known for the rest of the key.
    """
    begin = _PRIVATE.match(text, max(text.rfind(_BEGIN), 0))
    if begin is None or _END in text[begin.end() :]:
        return ""
    body = _PEM_BODY.match(text, begin.end())
    return begin[0] if body is not None and body.end() == len(text) else ""


def _pem(text: str) -> Iterator[Span]:
    """Private keys in PEM, whole or cut off."""
    if _BEGIN not in text:
        return
    last_end = text.rfind(_END)
    past = 0
    for begin in _PRIVATE.finditer(text):
        if begin.start() < past:
            continue
        end = text.find(_END, begin.end()) if begin.end() < last_end else -1
        closed = text.find("-----", end + len(_END)) if end >= 0 else -1
        if closed >= 0:
            past = closed + 5
        else:
            body = _PEM_BODY.match(text, begin.end())
            past = body.end() if body else begin.end()
        yield begin.start(), past, "private-key"


def _apart(spans: Iterator[Span]) -> Iterator[Span]:
    """Spans in order, without those that overlap an earlier one."""
    past = 0
    for start, end, kind in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= past and start < end:
            yield start, end, kind
            past = end


def _without(text: str, spans: list[Span]) -> str:
    pieces, past = [], 0
    for start, end, kind in spans:
        pieces += [text[past:start], f"[redacted:{kind}]"]
        past = end
    return "".join([*pieces, text[past:]])
