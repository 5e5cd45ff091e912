"""A person who has no mouse: they go from one thing to the next, and see at each step where they are."""

from __future__ import annotations

from typing import Any, Final

#: Steps after which what is looked for counts as out of reach.
MOST_STEPS: Final = 250

#: Where the keyboard is: what that is called, whether it is in sight and marked, and whether it is wanted.
_WHERE: Final = """(wanted) => {
  const at = document.activeElement;
  if (!at || at === document.body) return {name: "nothing", isSeen: true, isMarked: true, isWanted: false};
  const box = at.getBoundingClientRect();
  const left = Math.max(box.left, 0), right = Math.min(box.right, innerWidth);
  const top = Math.max(box.top, 0), bottom = Math.min(box.bottom, innerHeight);
  const isInside = left < right && top < bottom;
  const there = isInside ? document.elementFromPoint((left + right) / 2, (top + bottom) / 2) : null;
  const isOnTop = there !== null && (at.contains(there) || there.contains(at));
  const style = getComputedStyle(at);
  const words = (at.getAttribute("aria-label") || at.textContent).trim().slice(0, 60);
  return {
    name: at.id || `${at.tagName.toLowerCase()} ${words}`,
    isWanted: at === wanted,
    isSeen: isOnTop && at.checkVisibility({opacityProperty: true, visibilityProperty: true}),
    // What Tab does not lead to, such as the content that the first link skips to, is a place and no control.
    isMarked: at.tabIndex < 0 || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0),
  };
}"""


def _seen(found: dict[str, Any]) -> str:
    assert found["isSeen"], f"the focus is out of sight: {found['name']}"
    assert found["isMarked"], f"nothing marks the focus: {found['name']}"
    return str(found["name"])


class Keyboard:
    """Everything that is done to a page, by keys alone."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def at(self) -> str:
        """What has the focus, which must be in sight and marked: its id, or its words where it has none."""
        drawn = "new Promise(requestAnimationFrame)"
        return _seen(self.page.evaluate(f"() => {drawn}.then(() => ({_WHERE})(null))"))

    def press(self, *keys: str) -> None:
        """Press keys, one after another."""
        for key in keys:
            self.page.keyboard.press(key)

    def write(self, text: str) -> None:
        """Type a text where the focus is."""
        self.at()
        self.page.keyboard.type(text)

    def rewrite(self, text: str) -> None:
        """Type a text in place of what stands where the focus is."""
        self.press("ControlOrMeta+a")
        self.write(text)

    def go(self, element: Any, key: str = "Tab") -> None:
        """Go on with Tab, or back with Shift+Tab, until an element has the focus."""
        passed = []
        for _ in range(MOST_STEPS):
            found = element.evaluate(f"(wanted) => ({_WHERE})(wanted)")
            passed.append(_seen(found))
            if found["isWanted"]:
                return
            self.press(key)
        raise AssertionError(f"{element} is not reached with {key}; passed: {', '.join(passed)}")

    def back(self, element: Any) -> None:
        """Go back until an element has the focus."""
        self.go(element, "Shift+Tab")

    def use(self, element: Any, key: str = "Enter") -> None:
        """Go to a button, a link or a box, and press it."""
        self.go(element)
        self.press(key)

    def skip_the_menu(self) -> None:
        """From the top of a page to its content, by the link that is there for it."""
        self.press("Tab")
        assert self.page.evaluate("document.activeElement.className") == "skip"
        self.at()
        self.press("Enter")

    def open(self, name: str) -> None:
        """Go to another page, by the menu."""
        self.use(self.page.locator(f"#to-{name}"))
        self.page.wait_for_url(f"**/{name}")
        self.skip_the_menu()
