"""What must hold of a page that shows text of unknown origin."""

from __future__ import annotations

import re
from typing import Any

from tests.integration.test_panel_page import Seen


def check_only_text(page: Any) -> Seen:
    """The page as it was seen; fails where its text became markup, or hides something."""
    seen = Seen(page)
    assert page.status_code == 200
    assert [found for tag, found in seen.tags if tag == "script" and "src" not in found] == []
    assert [found for tag, found in seen.tags if tag == "img" and "onerror" in found] == []
    assert not any(name.startswith(("on", "hx-on")) for _, found in seen.tags for name in found)
    assert not re.search("[\x00-\x08\x1b\u202e]", page.text)
    return seen
