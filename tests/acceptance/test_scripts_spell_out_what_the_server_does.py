"""What a script of a page draws hides no more than what the server writes: both have the same list."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import pytest

from panel.words import plain
from tests.unit.panel.in_a_browser import *  # noqa: F403  the fixtures
from unseen import is_blank

pytestmark = [pytest.mark.browser, pytest.mark.acceptance, pytest.mark.xdist_group("browser")]

SCRIPT = Path(__file__).resolve().parents[2] / "panel" / "static" / "shown_text.js"
#: Every code point, 256 at once: by itself, and joined to others. Halves of pairs are spelled out.
LOOK = """() => {
  const found = [];
  for (let first = 0; first <= 0x10ffff; first += 256) {
    const signs = Array.from({ length: 256 }, (_, at) => String.fromCodePoint(first + at));
    found.push(seen(signs.map((sign) => `${sign}a${sign} ${sign}\\u200d${sign}b`).join("")));
  }
  return found;
}"""

BLANK = """() => Array.from({ length: 0x110000 }, (_, code) => code)
  .filter((code) => isBlank(String.fromCodePoint(code)))"""


def test_every_code_point_is_spelled_out_by_both_or_by_neither(chromium):
    with contextlib.closing(chromium.new_context()) as context:
        page = context.new_page()
        page.add_script_tag(path=SCRIPT)
        drawn = page.evaluate(LOOK)

        blank = page.evaluate(BLANK)

    assert blank == [code for code in range(sys.maxunicode + 1) if is_blank(chr(code))]
    written = [
        plain("".join(f"{sign}a{sign} {sign}\u200d{sign}b" for sign in map(chr, range(first, first + 256))))
        for first in range(0, sys.maxunicode, 256)
    ]
    assert [ascii(pair) for pair in zip(drawn, written, strict=True) if pair[0] != pair[1]][:1] == []
