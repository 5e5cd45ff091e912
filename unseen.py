"""Characters that draw nothing, or turn around what follows them: what no text may hide behind. Pure.

The ranges that Unicode itself calls ignorable are those of ``Default_Ignorable_Code_Point`` in
DerivedCoreProperties.txt (https://www.unicode.org/Public/15.0.0/ucd/), with the code points that are kept for
more of them. `panel/static/shown_text.js` holds the same for what a script of a page draws.
"""

from __future__ import annotations

import functools
import re
import shlex
import unicodedata
from typing import Final

#: Default_Ignorable_Code_Point but for the next two, as the inside of a class of a regular expression.
_ALWAYS: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
#: The joiners, which Persian and emoji need, and what makes a sign an emoji or a letter.
_JOINERS: Final = "\u200c\u200d"
_LOOKS: Final = "\ufe0e\ufe0f"
_IGNORABLE: Final = _ALWAYS + _JOINERS + _LOOKS
#: C0 but for tab and newline, DEL, C1, ends of lines and paragraphs, marks of annotations.
_COMMANDS: Final = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffb"
#: Those, and halves of pairs.
_CONTROLS: Final = f"{_COMMANDS}\ud800-\udfff"
#: What is no letter or sign that something may be joined to.
_NOTHING: Final = f"\\s{_CONTROLS}{_ALWAYS}"

#: What is to be spelled out. A joiner and an emoji's mark stay once, behind what they may belong to.
UNSEEN: Final = re.compile(
    f"[{_CONTROLS}{_ALWAYS}]|(?<![^{_NOTHING}{_JOINERS}])[{_JOINERS}]"
    f"|(?<![^{_NOTHING}{_JOINERS}{_LOOKS}])[{_LOOKS}]"
)
#: Blank without being ignorable: white space, and the Braille cell without a dot.
_BLANK: Final = f"\\s\u2800{_IGNORABLE}{_CONTROLS}"
#: Behind the last combining mark that is not ignorable.
_LAST_MARK: Final = 0x1F000
#: What a text has that says anything, as a regular expression: a sign that draws.
SAYS: Final = f"[^\\s\u2800{_IGNORABLE}{_COMMANDS}]"
_SAYS: Final = re.compile(SAYS)
#: What is said of a field that `is_blank` finds to say nothing: the rule and the way out.
MUST_SAY: Final = (
    "must not be empty: it holds nothing but blanks and characters that draw nothing; "
    "write what is to be done"
)


def is_blank(text: str) -> bool:
    """Whether a text says nothing: there is nothing in it that draws."""
    return _SAYS.search(text) is None


def program_of(command: str) -> str:
    """The word that names the program of a command line; all of a line that cannot be read."""
    if command.isascii():
        return command  # a letter that draws nothing is none of these
    try:
        return next(iter(shlex.split(command)), "")
    except ValueError:
        return command


@functools.cache
def blank_runs() -> re.Pattern[str]:
    """Runs of four and more that draw nothing; a combining mark that stands on nothing is within them.

    The marks are those of `unicodedata` (general categories Mn and Me).
    """
    signs = map(chr, range(0x300, _LAST_MARK))
    found = (each for each in signs if unicodedata.category(each) in {"Mn", "Me"} and not is_blank(each))
    mark = f"(?<=[{_BLANK}])[{''.join(found)}]++(?=[{_BLANK}]|\\Z)"
    return re.compile(f"[{_BLANK}](?:[{_BLANK}]|{mark}){{3,}}")
