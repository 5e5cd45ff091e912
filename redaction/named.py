"""Secrets that are called so: ``password = ...``, ``Authorization: ...``, "the password is ...".

What follows such a name is a secret unless it is plainly something else: a type, a call, a reference to a
variable, a placeholder, or an ordinary word in the middle of a sentence.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

from redaction.shapes import is_placeholder

Span = tuple[int, int, str]

#: One of these must occur, in small letters.
NEEDLES: Final = (
    "passw", "passphrase", "passcode", "pwd", "secret", "token", "key", "credential", "authorization",
    "bearer", "cookie", "contraseña", "passwort", "kennwort", "mot de passe", "senha", "пароль", "密码",
    "パスワード", " -u ", "pin ", "passord",
    "lösenord", "wachtwoord", "hasło", "heslo", "parola", "jelszó", "salasana",
    "şifre", "κωδικός", "비밀번호", "machine ",
)  # fmt: skip

_NAMES: Final = (
    r"pass(?:word|wd|phrase|code|wort|ord)|kennwort|contraseña|"
    r"clave|senha|palavra-passe|mot de passe|пароль|密码|"
    r"パスワード|비밀번호|lösenord|wachtwoord|hasło|heslo|parola|jelszó|salasana|şifre|κωδικός|pwd|"
    r"secret(?:[_ -]?(?:access[_ -]?)?key)?|"
    r"(?:api|access|auth|private|signing|encryption|master|account|service)[_ -]?key|"
    r"key[_-]?secret|apikey|token|credentials?"
)
#: ``name = value`` in any notation: code, .env, YAML, JSON, a URL's query.
_ASSIGNED: Final = re.compile(
    rf"(?i:({_NAMES})(?:[_-]?(?:id|key|value|hash|string|b64|base64|prod|dev|test|\d{{1,2}}))?)"
    r"[\"'`\]]{0,3}[ \t]{0,8}(?::=|=>|==?|:)[ \t]{0,8}"
    r"(?:b?(\\?[\"'`])(?P<quoted>[^\"'`\n\\]{4,400})|(?P<bare>[^\s\"'`,;&<>()\[\]{}|\\]{4,400}))"
)
_SPOKEN: Final = re.compile(
    rf"(?i:\b({_NAMES}|pin(?:[ -](?:code|number))?)\b"
    r"(?:[ \t](?:for|to|of|on|zu|für|de|du|del|di|do|da|van|för)[ \t][^\n.:]{1,60}?)?[ \t]{1,3}"
    r"(?:is now|is|was|will be|reads|remains|should be set to|has been set to|lautet|ist|est|es|è|é|"
    r"is nu|är|jest|este|war|était|era)"
    r"[ \t]{0,3}:?)[ \t]{1,3}"
    r"(?:[\"'`“‘]([^\"'`”’\n]{3,200})[\"'`”’]|([^\s\"'`]{4,200}))"
)
_BEARER: Final = re.compile(
    r"(?i:\b(?:bearer|basic|token|apikey|digest))[ \t]{1,3}([A-Za-z0-9._~+/=-]{12,4000})"
)
_HEADER: Final = re.compile(
    r"(?i:\b(?:proxy-)?authorization|\bset-cookie|\bcookie|\bx-[a-z-]{0,30}(?:key|token))[\"']?"
    r"[ \t]{0,3}[:=][ \t]{0,3}"
    r"[\"']?((?i:bearer|basic|token|digest|apikey)[ \t]{1,3})?([^\s\"',][^\n\"'\\]{7,4000})"
)
#: As .netrc has it, and people in a hurry: the name, a blank, and what no word is like.
_BESIDE: Final = re.compile(
    rf"(?i:\b({_NAMES}))[ \t]{{1,4}}(?=[^\s]{{0,40}}\d)(?=[^\s]{{0,40}}[A-Za-z])"
    r"([A-Za-z0-9!#$%&*+./=?@^_~-]{8,200})"
)
_CURL_USER: Final = re.compile(
    r"[ \t](?:-u|--user|--proxy-user)[ \t=]{1,3}[\"']?[^\s:\"']{1,100}:([^\s\"']{3,200})"
)

#: A line of .netrc: ``machine HOST login NAME password SECRET``.
_NETRC: Final = re.compile(
    r"\bmachine[ \t\n]{1,8}\S{1,200}[ \t\n]{1,8}login[ \t\n]{1,8}\S{1,200}[ \t\n]{1,8}"
    r"(?:account[ \t\n]{1,8}\S{1,200}[ \t\n]{1,8})?password[ \t\n]{1,8}(\S{3,400})"
)

#: What follows a name and is no secret.
_PLAIN: Final = frozenset(
    [
        "str",
        "string",
        "text",
        "bytes",
        "int",
        "integer",
        "bool",
        "boolean",
        "number",
        "float",
        "any",
        "object",
        "none",
        "null",
        "nil",
        "true",
        "false",
        "undefined",
        "void",
        "optional",
        "required",
        "missing",
        "invalid",
        "incorrect",
        "wrong",
        "correct",
        "valid",
        "empty",
        "expired",
        "blank",
        "unset",
        "unknown",
        "hidden",
        "secret",
        "secrets",
        "password",
        "passwords",
        "token",
        "tokens",
        "key",
        "keys",
        "credential",
        "credentials",
        "value",
        "values",
        "name",
        "field",
        "input",
        "type",
        "default",
        "config",
        "env",
        "environ",
        "environment",
        "this",
        "that",
        "these",
        "those",
        "your",
        "their",
        "the",
        "and",
        "not",
        "must",
        "should",
        "shall",
        "will",
        "can",
        "may",
        "might",
        "with",
        "from",
        "into",
        "when",
        "where",
        "which",
        "what",
        "have",
        "has",
        "had",
        "been",
        "being",
        "stored",
        "saved",
        "hashed",
        "encrypted",
        "needed",
        "used",
        "using",
        "only",
        "also",
        "always",
        "never",
        "too",
        "very",
        "just",
        "ready",
        "managed",
        "rotated",
        "optionalstring",
        "secretstr",
        "self",
        "here",
        "there",
        "case",
        "sensitive",
        "weak",
        "strong",
        "long",
        "short",
        "safe",
        "secure",
        "protected",
        "exposed",
        "leaked",
        "public",
        "currently",
        "already",
        "still",
        "no",
        "longer",
        "than",
        "least",
        "more",
        "less",
        "most",
        "least",
        "about",
        "list",
        "dict",
        "array",
        "map",
        "json",
        "yaml",
    ]
)
_REFERENCE: Final = re.compile(
    r"^(?:[$%{<]|os\.|process\.|env\.|ENV\b|config|settings|self\.|this\.|secrets\.|vault|request\.|args\.|getenv|getpass"
    r"|\w+\(|\w+\[|https?://[^@]*$|\.\.?/|/[a-z])|\($|^[A-Z][a-z]+[A-Z][A-Za-z_]+$|^[a-z_]+\.[a-z_]+$"
)
_HASH: Final = re.compile(
    r"(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
)
#: The place in a file of that name, as messages begin with it: ``passwd:3:5: must be ...``.
_PLACE: Final = re.compile(r"[1-9][0-9]{0,6}:[1-9][0-9]{0,6}:")
_WORD_FOLLOWS: Final = re.compile(r"[ \t]+[A-Za-zÀ-ÿ]{2,}")


def find(text: str) -> Iterator[Span]:
    """Where named secrets stand, with their kind."""
    yield from _credentials(text)
    yield from _assigned(text)
    yield from _told(text)


def _credentials(text: str) -> Iterator[Span]:
    """Of headers, and of curl's options."""
    for found in _HEADER.finditer(text):
        value = found[2].rstrip()
        if not is_placeholder(value) and not _REFERENCE.search(value):
            yield found.start(2), found.start(2) + len(value), "authorization"
    for found in _BEARER.finditer(text):
        if any(map(str.isdigit, found[1])) and not is_placeholder(found[1]):
            yield *found.span(1), "authorization"
    for found in _CURL_USER.finditer(text):
        if not is_placeholder(found[1]):
            yield *found.span(1), "password"


def _assigned(text: str) -> Iterator[Span]:
    """After an equals sign, a colon, or nothing but a blank."""
    for found in _ASSIGNED.finditer(text):
        group = "quoted" if found["quoted"] is not None else "bare"
        if _is_secret(found[1], found[group], text, found.end(group), is_quoted=group == "quoted"):
            yield *found.span(group), _kind(found[1])
    for found in _BESIDE.finditer(text):
        value = found[2].rstrip(".,;:!?")
        if _is_chance(value):
            yield found.start(2), found.start(2) + len(value), _kind(found[1])


def _told(text: str) -> Iterator[Span]:
    """In a sentence."""
    for found in _SPOKEN.finditer(text):
        group = 2 if found[2] is not None else 3
        value, start = found[group].rstrip(".,;:!?)"), found.start(group)
        if _is_spoken(value, text, start + len(value), is_quoted=group == 2):
            yield start, start + len(value), _kind(found[1])
    for found in (*_NETRC.finditer(text), *_CURL_USER.finditer(text)):
        if not is_placeholder(found[1]):
            yield *found.span(1), "password"


def _is_chance(value: str) -> bool:
    """Whether a text is of letters and digits as chance gives them, and no reference or version."""
    if len(value) < 8 or is_placeholder(value) or _REFERENCE.search(value) or _HASH.fullmatch(value):
        return False
    changes = sum(one.isdigit() != other.isdigit() for one, other in itertools.pairwise(value))
    return changes >= 3 and any(map(str.isalpha, value))


def _kind(name: str) -> str:
    word = name.lower()
    if "key" in word:
        return "key"
    if "token" in word:
        return "token"
    return "secret" if "secret" in word or "credential" in word else "password"


def _is_secret(name: str, value: str, text: str, end: int, *, is_quoted: bool) -> bool:
    bare = value.strip().rstrip(".,")
    if len(bare) < 4 or bare.lower() in _PLAIN or is_placeholder(bare) or _REFERENCE.search(bare):
        return False
    if bare.lower().replace("-", "_") == name.lower().replace("-", "_"):
        return False
    kind = _kind(name)
    if _PLACE.fullmatch(bare) and not is_quoted and _WORD_FOLLOWS.match(text, end):
        return False
    if is_quoted:
        words = bare.lower().split()
        return len(words) == 1 or (kind == "password" and len(words) <= 6 and _PLAIN.isdisjoint(words))
    if kind in {"token", "key"} and (_HASH.fullmatch(bare) or len(bare) < 6 or bare.isdigit()):
        return False
    if bare.isalpha():
        return kind in {"password", "secret"} and not _WORD_FOLLOWS.match(text, end) and len(bare) >= 6
    return any(map(str.isdigit, bare)) or (
        kind in {"password", "secret"} and not bare.replace("_", "").isalpha()
    )


def _is_spoken(value: str, text: str, end: int, *, is_quoted: bool) -> bool:
    if len(value) < 3 or value.lower() in _PLAIN or is_placeholder(value) or _REFERENCE.search(value):
        return False
    if is_quoted:
        return " " not in value
    if value.isalpha() and (value.islower() or value.istitle()):
        return not _WORD_FOLLOWS.match(text, end) and not value.endswith(("ed", "ing", "able", "ible"))
    return not value.replace("-", "").isalpha()
