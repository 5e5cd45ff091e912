"""``config/policies.toml``, or as YAML or JSON: policies of runs by name, and the one that holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

import pydantic
from pydantic import Field, StrictStr

from config_files.tables import read_table
from errors import InvalidSetting
from run_contract.policy import RunPolicy, Section

_Name = Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


class PoliciesFile(Section):
    """Any number of ``[policy.NAME]``, and the name of the one that holds by default."""

    default: _Name | None = None
    policy: dict[_Name, RunPolicy] = Field(default_factory=dict)

    @pydantic.model_validator(mode="after")
    def _default_is_there(self) -> Self:
        if self.default is not None and self.default not in self.policy:
            raise ValueError(f"default: there is no [policy.{self.default}]")
        return self

    def named(self, name: str | None) -> RunPolicy:
        """The policy of a name; none: the default. Raises `InvalidSetting`."""
        wanted = self.default if name is None else name
        if wanted is None:
            return RunPolicy()
        if wanted not in self.policy:
            known = ", ".join(sorted(self.policy)) or "it names none"
            raise InvalidSetting(f"config/policies: there is no policy {wanted!r} ({known})")
        return self.policy[wanted]


def read_policies(path: Path) -> PoliciesFile:
    """The policies of a home; none without the file. Raises `InvalidSetting` naming the entry."""
    return read_table(path, PoliciesFile)
