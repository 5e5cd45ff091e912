"""Profiles: programs with rights of their own, which a person declares in the home's settings alone.

A task names a profile and gives the prompt; it can neither make a profile nor change one. The prompt takes
the place of ``{prompt}`` in one argument, whatever it says: it is never read as a command line, and it may
not begin with a dash where the program could take it for an option.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from safety.command_line import CommandRefused
from safety.command_rules import Effect
from safety.programs import SEARCH_PATH
from safety.work import Approved, Rights

#: Where the prompt goes.
PROMPT: Final = "{prompt}"
#: The most of one argument that Linux starts a program with, less what may stand around it
#: (execve(2), MAX_ARG_STRLEN).
MOST_PROMPT_BYTES: Final = 120_000


@dataclass(frozen=True, slots=True)
class Profile:
    """A declared profile."""

    name: str
    description: str
    #: the program by its absolute path, then its arguments, one of which holds the place of the prompt
    argv: tuple[str, ...]
    rights: Rights
    effect: Effect

    @property
    def _place(self) -> int:
        return next(at for at, word in enumerate(self.argv) if PROMPT in word)

    def fill(self, prompt: str) -> tuple[str, ...]:
        """The arguments for a prompt. Raises `CommandRefused`."""
        size = len(prompt.encode("utf-8", "surrogatepass"))
        if size > MOST_PROMPT_BYTES:
            raise CommandRefused(
                "profile-size",
                f"the prompt has {size:,} bytes, at most {MOST_PROMPT_BYTES:,} fit into an argument; "
                "shorten it, or put the text into a file of the workspace",
            )
        place = self._place
        if self._could_be_an_option(place) and prompt.startswith("-"):
            raise CommandRefused(
                "profile-option",
                f"the prompt begins with -, which {self.name} could take for an option; begin with a word, "
                f'or put "--" before {PROMPT} in profiles.{self.name}.argv if the program knows it',
            )
        # once, and not by str.format: what stands in the prompt is not looked at again
        before, _, after = self.argv[place].partition(PROMPT)
        return (*self.argv[:place], f"{before}{prompt}{after}", *self.argv[place + 1 :])

    def check_fits(self, argv: Sequence[str]) -> None:
        """Raise `CommandRefused` unless arguments are this profile's, filled with some prompt."""
        place = self._place
        before, _, after = self.argv[place].partition(PROMPT)
        is_same = len(argv) == len(self.argv) and all(
            word == argv[at] for at, word in enumerate(self.argv) if at != place
        )
        if is_same and argv[place].startswith(before) and argv[place].endswith(after):
            prompt = argv[place][len(before) : len(argv[place]) - len(after)]
            if self.fill(prompt) == tuple(argv):
                return
        raise CommandRefused("profile-argv", f"these are not the arguments of the profile {self.name}")

    def approve(self, argv: Sequence[str]) -> Approved:
        """What runs for filled arguments. Raises `CommandRefused`."""
        self.check_fits(argv)
        folders = [str(Path(self.argv[0]).parent)]
        folders += [path for path in self.rights.read_paths if path.endswith("/bin")]
        search = ":".join(dict.fromkeys([*folders, *SEARCH_PATH]))
        rights = dataclasses.replace(self.rights, read_paths=self._seen())
        return Approved.command(tuple(argv), {"PATH": search}, rights=rights)

    def _seen(self) -> tuple[str, ...]:
        """What it sees beside the workspace: what was declared, and itself, wherever a link leads today."""
        program = self.argv[0]
        own = [] if str(Path(program).parent) in SEARCH_PATH else [program, os.path.realpath(program)]
        return tuple(dict.fromkeys([*self.rights.read_paths, *own]))

    def _could_be_an_option(self, place: int) -> bool:
        return self.argv[place].startswith(PROMPT) and "--" not in self.argv[1:place]
