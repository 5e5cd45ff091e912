"""``config/models.toml``, or as YAML or JSON: what models cost and hold, and how often they are asked."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import pydantic
from pydantic import ConfigDict, Field, StrictFloat, StrictInt

from config_files.tables import read_table
from run_contract.policy import Role

#: As `settings` bounds the price of the one model it knows.
_MOST: Final = 1e6
_Dollars = Annotated[StrictInt | StrictFloat, Field(ge=0, le=_MOST, allow_inf_nan=False)]
_Number = Annotated[StrictInt, Field(ge=1, le=10**9)]

#: The settings that say the same of models, by the key of an entry. A setting that names a model counts over
#: its entry, and the entry over what the setting says of every other model.
SETTING_OF: Final = {
    "requests_per_minute": "rate_requests",
    "tokens_per_minute": "rate_tokens",
    "concurrency": "model_limits",
}


class ModelEntry(pydantic.BaseModel):
    """One model of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=200)
    #: whose list the price is looked up in, where none is given here
    provider: str | None = Field(None, min_length=1, max_length=100)
    #: dollars per million tokens read, and written
    input: _Dollars | None = None
    output: _Dollars | None = None
    #: tokens
    context_window: _Number | None = None
    max_output: _Number | None = None
    #: calls that may begin in a minute, and tokens to and from it in a minute
    requests_per_minute: _Number | None = None
    tokens_per_minute: _Number | None = None
    #: tasks of it that may run at once
    concurrency: _Number | None = None
    #: where its prices are written, and the day they were read
    price_from: str | None = Field(None, min_length=1, max_length=300)
    price_date: datetime.date | None = None

    @pydantic.model_validator(mode="after")
    def _has_both_prices(self) -> ModelEntry:
        if (self.input is None) != (self.output is None):
            raise ValueError("give both input and output, or neither")
        if self.concurrency is not None and "|" in self.name:
            raise ValueError("a model with a | in its name cannot have a concurrency of its own; take it out")
        return self


class ModelsFile(pydantic.BaseModel):
    """Any number of ``[[model]]``, ``[roles]``, and nothing else."""

    model_config = ConfigDict(extra="forbid")

    model: list[ModelEntry] = []
    #: role -> name of the model that has it
    roles: dict[Role, Annotated[str, Field(min_length=1, max_length=200)]] = {}

    @pydantic.field_validator("model")
    @classmethod
    def _has_no_namesakes(cls, models: list[ModelEntry]) -> list[ModelEntry]:
        names = [model.name for model in models]
        twins = sorted({name for name in names if names.count(name) > 1})
        if twins:
            raise ValueError(f"two models are named {', '.join(twins)}")
        return models

    def limits(self) -> dict[str, dict[str, int]]:
        """What the entries say of rates and concurrency, as the settings say it: by setting, by model."""
        found: dict[str, dict[str, int]] = {}
        for key, setting in SETTING_OF.items():
            for entry in self.model:
                value: Any = getattr(entry, key)
                if value is not None:
                    found.setdefault(setting, {})[entry.name] = value
        return found


def read_models_file(path: Path) -> ModelsFile:
    """The home's own models and roles; none without the file. Raises `InvalidSetting` naming the entry."""
    return read_table(path, ModelsFile)


def read_models(path: Path) -> list[ModelEntry]:
    """The home's own models; none without the file. Raises `InvalidSetting` naming the entry."""
    return read_models_file(path).model
