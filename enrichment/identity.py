"""An identity: who a task runs as. A file that a person writes and edits; only its statistics are Skep's.

    # .swarm/identities/ada.toml
    name = "Ada"
    hat = "builder"
    traits = ["careful", "plain-spoken"]
    preferences = ["short functions", "a test for each rule"]

Its id is the file's stem. It says how a task is worked on and by which model; it gives no rights. Below stand
its statistics (`statistics_lines.py`), which are written for a person and never read back.
"""

from __future__ import annotations

import tomllib
from typing import Annotated, Any, Final, Literal

import pydantic
from pydantic import ConfigDict, Field, StrictStr, StringConstraints

from enrichment.hats import HATS

#: bytes of the largest file
MOST_BYTES: Final = 16 * 1024
#: entries of a list
MOST_ENTRIES: Final = 16
#: What Skep counts is shown under this key; whatever stands there says nothing.
STATISTICS: Final = "statistics"

#: One line: no control characters, no line or paragraph separators, nothing that turns the direction of text.
_ONE_LINE: Final = r"^[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+$"
Line = Annotated[StrictStr, StringConstraints(min_length=1, max_length=300, pattern=_ONE_LINE)]
Name = Annotated[StrictStr, StringConstraints(min_length=1, max_length=80, pattern=_ONE_LINE)]
Lines = Annotated[list[Line], Field(max_length=MOST_ENTRIES)]


class Identity(pydantic.BaseModel):
    """One identity, as its file describes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name | None = Field(None, description="how it is called; its id where nothing is said")
    hat: Literal["strategist", "builder", "reviewer", "documenter"] | None = Field(
        None, description="a way of working that is added to the prompt"
    )
    traits: Lines = Field([], description="what it is like, each in a line; added to the prompt")
    preferences: Lines = Field([], description="how it likes to work, each in a line; added to the prompt")
    model: Name | None = Field(None, description="the model that answers where a task names none")
    free_time: Lines = Field(
        [], description="what it does with free time, each in a line; taken in turn (setting `free_time`)"
    )

    def block(self, identity: str) -> str:
        """What is added to the prompt of a task that runs as it; nothing where nothing is said."""
        if not (self.name or self.hat or self.traits or self.preferences):
            return ""
        called = f"You work as {self.name or identity}"
        lines = [f"{called}, a {self.hat}. {HATS[self.hat]}" if self.hat else f"{called}."]
        for label, entries in (("Your traits", self.traits), ("Your preferences", self.preferences)):
            if entries:
                lines.append(f"{label}: {'; '.join(entries)}.")
        return "\n".join(lines)


class Unreadable(ValueError):
    """The text of an identity breaks the rules: which field or line, which rule, and the way out."""


def read_identity(text: str) -> Identity:
    """The identity a file describes; its statistics are passed over. Raises `Unreadable`."""
    try:
        fields = tomllib.loads(text)
        fields.pop(STATISTICS, None)
        return described(fields)
    except tomllib.TOMLDecodeError as error:
        raise Unreadable(f"{error}; a text stands in quotes, a list in brackets") from None
    except RecursionError:
        raise Unreadable("it is nested too deeply") from None


def described(fields: dict[str, Any]) -> Identity:
    """The identity that fields describe. Raises `Unreadable`."""
    try:
        return Identity.model_validate(fields)
    except pydantic.ValidationError as error:
        raise Unreadable(_explain(error)) from None


def _explain(error: pydantic.ValidationError) -> str:
    found: Any = error.errors(include_url=False, include_input=False)[0]
    path = "".join(f"[{part}]" if isinstance(part, int) else str(part) for part in found["loc"])
    if found["type"] == "extra_forbidden":
        return f"{path}: is not known here; there are {', '.join(Identity.model_fields)}"
    if found["type"] == "string_pattern_mismatch":
        return f"{path}: must be one line without control characters"
    return f"{path}: {found['msg'].replace('Input should', 'should')}"
