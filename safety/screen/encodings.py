"""Encodings that hide words, undone where they stand: Base64, hexadecimal, escapes, entities, Morse.

Base64 within Base64 is undone too. What decodes to anything but words is left as it is.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

#: Characters that are decoded in one place; more of one kind is data, not words.
_LONGEST: Final = 65_536
#: Letters of the shortest run that is decoded: twelve bytes in Base64.
_LEAST: Final = 16

_BASE64: Final = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{16,}={0,2}(?![A-Za-z0-9+/_=-])")
_BASE32: Final = re.compile(r"(?<![A-Za-z0-9=])[A-Z2-7]{16,}={0,6}(?![A-Za-z0-9=])")
_HEX: Final = re.compile(r"(?<![0-9A-Za-z])(?:(?:0x|\\x)?[0-9A-Fa-f]{2}[ ,:]?){8,}(?![0-9A-Za-z])")
_HEX_PAIR: Final = re.compile(r"(?:0x|\\x)?([0-9A-Fa-f]{2})")
_ESCAPES: Final = re.compile(
    r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|U000([0-9a-fA-F]{5})|u\{([0-9a-fA-F]{1,6})\}|x\{([0-9a-fA-F]{1,6})\})"
)
#: A letter by its octal number, as in a shell or in C.
_OCTALS: Final = re.compile(r"\\(1[0-7]{2}|0[46-7][0-7])(?![0-9])")
#: A letter within a word in the form of quoted-printable (RFC 2045).
_PRINTABLE: Final = re.compile(r"(?<=[A-Za-z])=([467][0-9A-F]|5[0-9A])(?=[a-z])")
_ENTITIES: Final = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});")
_PERCENT: Final = re.compile(r"%[0-9A-Fa-f]{2}")
#: One letter of a word in percent notation; a percent sign of prose stands before no letter's number.
_ONE_PERCENT: Final = re.compile(
    r"(?<=[^\W\d_])%(4[1-9A-Fa-f]|5[0-9Aa]|6[1-9A-Fa-f]|7[0-9Aa])|%(4[1-9A-Fa-f]|5[0-9Aa]|6[1-9A-Fa-f]|7[0-9Aa])(?=[^\W\d_]{2})"
)
_BITS: Final = re.compile(r"(?<![0-9])(?:[01]{8}[ ,]?){6,}(?![0-9])")
_CODES: Final = re.compile(r"(?<![0-9])(?:[1-9][0-9]{1,2}[ ,]{1,2}){7,}[1-9][0-9]{1,2}(?![0-9])")
_MORSE: Final = re.compile(r"(?<![\w.-])(?:[.\-·−]{1,6}[ /|]{1,3}){8,}[.\-·−]{1,6}(?![\w.-])")
_LETTERS_OF_MORSE: Final = {
    ".-": "a", "-...": "b", "-.-.": "c", "-..": "d", ".": "e", "..-.": "f", "--.": "g", "....": "h",
    "..": "i", ".---": "j", "-.-": "k", ".-..": "l", "--": "m", "-.": "n", "---": "o", ".--.": "p",
    "--.-": "q", ".-.": "r", "...": "s", "-": "t", "..-": "u", "...-": "v", ".--": "w", "-..-": "x",
    "-.--": "y", "--..": "z",
}  # fmt: skip


def decode(text: str) -> str:
    """The text with everything decoded that decodes to words."""
    if "%" in text:
        if len(_PERCENT.findall(text)) >= 3:
            text = unquote(text, errors="replace")
        text = _ONE_PERCENT.sub(lambda found: chr(int(found[1] or found[2], 16)), text)
    if "&" in text and _ENTITIES.search(text):
        text = html.unescape(text)
    if "\\" in text:
        text = _ESCAPES.sub(_unescape, text)
        text = _OCTALS.sub(lambda found: chr(int(found[1], 8)), text)
    if "=" in text:
        text = _PRINTABLE.sub(lambda found: chr(int(found[1], 16)), text)
    if max(map(len, text.split()), default=0) >= _LEAST:
        text = _BASE64.sub(_undo(_unbase64), text)
        text = _BASE32.sub(_undo(_unbase32), text)
        text = _HEX.sub(_undo(_unhex), text)
    if any(digit in text for digit in "123456789"):
        text = _numbers(text)
    if ". " in text and "- " in text:
        text = _MORSE.sub(_undo(_unmorse), text)
    return text


def _unescape(found: re.Match[str]) -> str:
    return chr(min(int(found[found.lastindex or 1], 16), 0x10FFFF))


def _numbers(text: str) -> str:
    """The text without what is written in numbers with blanks between them."""
    text = _BITS.sub(_undo(_unbits), text)
    text = _CODES.sub(_undo(_uncodes), text)
    return _HEX.sub(_undo(_unhex), text)


def _undo(decoder: Callable[[str], str]) -> Callable[[re.Match[str]], str]:
    """A replacement by what the decoder makes of it, where that is words."""

    def replace(found: re.Match[str]) -> str:
        if len(found[0]) > _LONGEST:
            return found[0]
        try:
            decoded = decoder(found[0])
        except (ValueError, KeyError):  # binascii.Error and UnicodeDecodeError are ValueErrors
            return found[0]
        return f" {decoded} " if is_words(decoded) else found[0]

    return replace


def is_words(text: str) -> bool:
    """Whether a text is mostly letters and blanks, all of it printable."""
    if len(text) < 6 or not all(letter.isprintable() or letter in "\n\r\t" for letter in text):
        return False
    plain = sum(letter.isalpha() or letter in " \n\r\t.,:/'-_" for letter in text)
    return plain >= 0.8 * len(text)


def _unbase64(text: str) -> str:
    bare = text.rstrip("=").replace("-", "+").replace("_", "/")
    data = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    if data[1::2].count(0) > len(data) // 3:  # UTF-16, as PowerShell encodes
        return data.decode("utf-16-le")
    decoded = data.decode()
    # what was encoded twice is decoded twice; each time it is a quarter shorter
    return _twice(decoded) if _BASE64.fullmatch(decoded) else decoded


def _twice(text: str) -> str:
    try:
        return _unbase64(text)
    except ValueError:
        return text


def _unbase32(text: str) -> str:
    bare = text.rstrip("=")
    return base64.b32decode(bare + "=" * (-len(bare) % 8)).decode()


def _unhex(text: str) -> str:
    return bytes.fromhex("".join(_HEX_PAIR.findall(text))).decode()


def _unbits(text: str) -> str:
    return bytes(int(byte, 2) for byte in re.findall("[01]{8}", text)).decode()


def _uncodes(text: str) -> str:
    return "".join(chr(int(code)) for code in re.findall(r"\d+", text))


def _unmorse(text: str) -> str:
    plain = text.replace("·", ".").replace("−", "-")
    words = re.split(r"[ ]*[/|][ ]*|[ ]{3}", plain)
    return " ".join("".join(_LETTERS_OF_MORSE[letter] for letter in word.split()) for word in words)
