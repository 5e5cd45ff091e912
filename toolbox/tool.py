"""What a tool is: a name, what it is for, and what it does about it.

Tools are files of the user's, but they may have come from anywhere: everything is bounded, an unknown key is
an error, and what a tool would run is only a list of words, which the command policy has the last say about.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal

import pydantic
from pydantic import ConfigDict, Field, StrictStr

#: What the name of a tool may look like. How long it may be is not in it: each place that a class of
#: Unicode's letters could repeat at costs the compiled pattern a tenth of a megabyte.
NAME_PATTERN: Final = r"^[^\W_][\w .:-]+$"
#: Characters of the text that a tool puts in front of a prompt.
MOST_TEXT_CHARS: Final = 200_000
#: A place in an example, or a whole word of a command, that a request fills: ``{file}``.
SLOT: Final = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}")
#: The slots that are always there: the whole request, and the tool's own text.
PROMPT: Final = "prompt"
TEXT: Final = "text"

Phrase = Annotated[StrictStr, Field(min_length=1, max_length=500)]


class Tool(pydantic.BaseModel):
    """One tool of a home."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: what a prompt may call it by
    name: Annotated[StrictStr, Field(pattern=NAME_PATTERN, min_length=2, max_length=64)]
    #: what it is for, in a sentence
    description: Annotated[StrictStr, Field(min_length=1, max_length=2_000)]
    #: requests it is for, as people put them; `{slot}` stands for what differs
    examples: list[Phrase] = Field([], max_length=200)
    #: words that ask for it and are not in the description
    keywords: list[Phrase] = Field([], max_length=200)
    #: run: its command answers the task; context: its text goes in front of the prompt; absent: run
    #: where it can
    kind: Literal["run", "context"] | None = None
    #: what is put in front of a prompt
    text: Annotated[StrictStr, Field(max_length=MOST_TEXT_CHARS)] = ""
    #: the command, word by word, run without a shell; words that are a slot, such as `{file}`, are filled in
    argv: list[Annotated[StrictStr, Field(max_length=MOST_TEXT_CHARS)]] = Field([], max_length=256)
    #: name of a profile of the home, which is given the prompt, in place of argv
    profile: Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")] | None = None
    #: JSON Schema (draft 2020-12) of the slots, as an object
    input_schema: dict[str, Any] = {}

    @pydantic.model_validator(mode="after")
    def _chooses_its_program(self) -> Tool:
        """Raise `ValueError` where a request could choose what runs."""
        if self.argv and SLOT.fullmatch(self.argv[0]):
            raise ValueError(
                f"{self.name}: the first word of argv is the program, and no request may choose it"
            )
        if self.argv and self.profile:
            raise ValueError(f"{self.name}: a profile gives the command itself; leave argv out")
        return self

    @property
    def runs(self) -> bool:
        """Whether its command answers the task."""
        return bool(self.argv or self.profile) and self.kind != "context"

    @property
    def slots(self) -> set[str]:
        """The slots its command has."""
        return {word[1:-1] for word in self.argv if SLOT.fullmatch(word)}

    @property
    def properties(self) -> dict[str, dict[str, Any]]:
        """What `input_schema` says of each slot."""
        told = self.input_schema.get("properties")
        known = told if isinstance(told, dict) else {}
        return {name: each for name, each in known.items() if isinstance(each, dict)}

    @property
    def unfillable(self) -> set[str]:
        """Slots of its command that nothing can fill, so that it never runs."""
        named = {name for example in self.examples for name in SLOT.findall(example)}
        return self.slots - named - self.properties.keys() - {PROMPT, TEXT}
