"""Other readings of a text: what it says once it is decoded, put together again, or read backwards.

Each disguise is looked for by a sign that honest text rarely has, and undone where it stands, so that the
words around it still tell whether it is meant. Every step goes over the text a fixed number of times.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Set
from typing import Final

from safety.screen import markup, respelling
from safety.screen.encodings import decode
from safety.screen.folding import fold
from safety.screen.lexicon import ROT13, Lexicon

#: Single letters with something between them: i g n o r e, i.g.n.o.r.e
_SPACED: Final = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-_*|/+~,·•:]{1,3}){2,}[^\W\d_](?![^\W_])")
_BETWEEN: Final = re.compile(r"[ .\-_*|/+~,·•:]")
#: What stands between words that are spaced themselves.
_WIDE: Final = re.compile(r"[ ]{2,}|[|/]")
_WORD_END: Final = "\u241f"
#: A word that something was put into: ig-nore, in.struc.tions, pass*word.
_HAS_BROKEN: Final = re.compile(r"[^\W\d_][-.*_/|\\+~'·^=\"`,:;]{1,4}[^\W\d_]")
_BROKEN: Final = re.compile(r"[^\W\d_]{1,12}(?:[-.*_/|\\+~'·^=\"`,:;]{1,4}[^\W\d_]{1,12}){1,8}")
#: Signs that are put into words and mean nothing between letters.
_DECORATION: Final = re.compile(r"(?<=[^\W\d_])[*_|\\+~·^\"`']{1,4}(?=[^\W\d_])")
#: Words put together by which a text shows that a sign stands in all of its words.
_MANY: Final = 3
#: Letters of the shortest word that is put together although each of its pieces is a word: pass_words.
_LEAST_TOLD: Final = 6
_NEVER: Final = 1000
#: Words with one blank or line's end between them.
_PLAIN_RUN: Final = re.compile(r"[^\W\d_]+(?:(?: |-?\n ?)[^\W\d_]+)+")
#: Signs that stand for letters: p@$$word, in$truction$
_SYMBOLS: Final = re.compile(r"\w[$@!|]|[$@]\w")
_SYMBOLIC: Final = re.compile(r"[\w$@!|]{3,40}")
_AS_LETTERS: Final = str.maketrans("$@!|013457", "saiioieast")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_ALPHABET: Final = "abcdefghijklmnopqrstuvwxyz"
#: Words by which a text says that letters are shifted in it.
_CIPHER: Final = frozenset(
    ["caesar", "cipher", "cypher", "shift", "shifted", "rot", "decipher", "decrypt", "rotate"]
)
_LONG_WORD: Final = re.compile(r"[a-z]{11,400}")


def readings(text: str, folded: str, words: Set[str], lexicon: Lexicon) -> Iterator[str]:
    """The other readings of a text that there are signs of, folded; `words` are those of `folded`."""
    original = folded
    decoded = decode(text)
    for _ in range(2):  # two levels: an encoding within an encoding is undone too
        again = decode(decoded)
        if again == decoded:
            break
        decoded = again
    if decoded != text:
        folded = fold(decoded).text
        yield folded
    bared = markup.bared(decoded, folded)
    if bared != folded:
        folded = bared
        yield folded
    if _SYMBOLS.search(folded):
        folded = _SYMBOLIC.sub(lambda found: _spelt(found[0], lexicon), folded)
        yield folded
    joined = _joined(text, folded, lexicon)
    if joined != folded:
        yield joined
    if joined != original:
        words = set(_LETTERS.findall(joined))
    respelt = respelling.respelt(joined, words, lexicon)
    if respelt is not None:
        yield respelt
    if _is_turned(words & lexicon.by_rot13):
        yield folded.translate(ROT13)
    if not words.isdisjoint(_CIPHER):
        yield from _shifted(folded, words, lexicon)
    if _is_turned(words & lexicon.backwards):
        yield " ".join(word[::-1] for word in folded.split(" "))
        yield folded[::-1]


def _shifted(folded: str, words: Set[str], lexicon: Lexicon) -> Iterator[str]:
    """The text with its letters shifted, by every number of places that makes words of it."""
    for places in range(1, len(_ALPHABET)):
        shift = str.maketrans(_ALPHABET, _ALPHABET[places:] + _ALPHABET[:places])
        if _is_turned({word for word in words if word.translate(shift) in lexicon.long_words}):
            yield folded.translate(shift)


def _is_turned(known: Set[str]) -> bool:
    """Whether turning a text's words gives words: three, or two long ones."""
    return len(known) >= 3 or sum(len(word) > 5 for word in known) >= 2


# -- words that were taken apart or run together -----------------------------------------------------------


def _joined(text: str, folded: str, lexicon: Lexicon) -> str:
    """The folded text with words put together that were taken apart, and apart that were run together."""
    if _SPACED.search(folded):
        # the folded text has single blanks; the text itself shows where words end
        source = fold(_WIDE.sub(f" {_WORD_END} ", text)).text if _WIDE.search(text) else folded
        folded = _SPACED.sub(lambda found: _apart(_BETWEEN.sub("", found[0]), lexicon), source)
        folded = folded.replace(_WORD_END, " ")
    if _HAS_BROKEN.search(folded):
        folded = _unbroken(folded, lexicon)
    return _LONG_WORD.sub(lambda found: _apart(found[0], lexicon), _paired(folded, lexicon))


def _spelt(found: str, lexicon: Lexicon) -> str:
    """A word that is written with signs, in letters."""
    letters = found.translate(_AS_LETTERS)
    return letters if letters != found and lexicon.bits(letters) else found


def _unbroken(folded: str, lexicon: Lexicon) -> str:
    """The text with words put together that a sign stands in; with many, without the sign wherever it is."""
    count = 0

    def mend(found: re.Match[str]) -> str:
        nonlocal count
        whole = _mended(found[0], lexicon, least=_LEAST_TOLD)
        count += whole != found[0]
        return whole

    mended = _BROKEN.sub(mend, folded)
    return mended if count < _MANY else _DECORATION.sub("", mended)


def _mended(run: str, lexicon: Lexicon, least: int = _NEVER) -> str:
    """A run of pieces with those put together that are a word of the lexicon.

    Where each is one itself they stay apart, unless the whole has `least` letters.
    """
    pieces = _LETTERS.findall(run)
    between = [*_LETTERS.split(run)[1:-1], ""]
    result: list[str] = []
    place = 0
    while place < len(pieces):
        length = _pieces(pieces, place, lexicon, least)
        result.append("".join(pieces[place : place + length]) + between[place + length - 1])
        place += length
    return "".join(result)


def _paired(text: str, lexicon: Lexicon) -> str:
    """The text with words put together that have a blank or a line's end in them: ig nore, in struc tions."""
    words = _LETTERS.findall(text)
    pairs = map(operator.add, words, words[1:])
    triples = map(operator.add, map(operator.add, words, words[1:]), words[2:])
    if lexicon.whole_words.isdisjoint(pairs) and lexicon.whole_words.isdisjoint(triples):
        return text
    return _PLAIN_RUN.sub(lambda found: _mended(found[0], lexicon), text)


def _pieces(pieces: list[str], place: int, lexicon: Lexicon, least: int) -> int:
    """Of how many pieces the word is that begins at a place."""
    for length in (3, 2):
        parts = pieces[place : place + length]
        whole = "".join(parts)
        is_whole = len(parts) == length and whole in lexicon.whole_words
        if is_whole and (len(whole) >= least or not all(map(lexicon.knows, parts))):
            return length
    return 1


def _apart(run: str, lexicon: Lexicon) -> str:
    """A run of letters as the known words it is made of; as it is where too much would be left over."""
    if lexicon.knows(run):
        return run
    pieces = lexicon.split(run)
    known = sum(len(piece) for piece in pieces if len(piece) > 1)
    return f" {' '.join(pieces)} " if known >= 0.75 * len(run) and len(pieces) >= 2 else run
