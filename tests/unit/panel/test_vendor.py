from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

PANEL = Path(__file__).resolve().parents[3] / "panel"
VENDOR = PANEL / "static" / "vendor"
ROWS = re.findall(r"^\| `([^`]+)` \|.*`([0-9a-f]{64})` \|$", (VENDOR / "VENDOR.md").read_text("utf-8"), re.M)


def test_every_vendored_file_has_its_row():
    assert {name for name, _ in ROWS} == {
        path.name for path in VENDOR.iterdir() if path.suffix in {".js", ".css"}
    }


@pytest.mark.parametrize(("name", "digest"), ROWS)
def test_a_vendored_file_is_unchanged(name, digest):
    assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize("template", sorted(PANEL.rglob("*.html")), ids=lambda path: path.name)
def test_no_template_has_script_or_style_of_its_own(template):
    text = template.read_text("utf-8")

    assert not re.search(
        r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:|hx-on|\|\s*safe\b", text
    )
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text)
