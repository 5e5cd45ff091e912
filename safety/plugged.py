"""A home's own checks: functions that its constitution names, asked about every text.

Each is ``module:function`` of an installed module or of a file in the home's ``config/``. It is called with
the text, in Unicode's NFKC form, and the mode, and returns what it found: a list of objects with ``rule``,
``sentence`` and ``action`` ("block" or "flag"). It runs in a thread of its own with a time limit, since
nothing else can be said about it; what does not come back, breaks, or answers anything else blocks the
task.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import importlib.util
import os
import queue
import sys
import threading
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Annotated, Any, Final, Literal

import pydantic
from pydantic import ConfigDict, Field

from config_files import owned
from errors import InvalidSetting

#: Calls that never came back, beyond which none is made any more.
_MOST_STUCK: Final = 8


class PluggedFinding(pydantic.BaseModel):
    """What a home's own function found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")]
    sentence: Annotated[str, Field(min_length=1, max_length=300)]
    action: Literal["block", "flag"] = "block"


class CheckBroke(Exception):
    """A check could not come to a verdict, so nothing runs."""


_Answers = queue.SimpleQueue[tuple[Any, BaseException | None]]
_FINDINGS: Final = pydantic.TypeAdapter(list[PluggedFinding])


class PluggedCheck:
    """One function of a home's own.

    Parameters:
        name: ``module:function``.
        folder: where a file of that module is looked for before installed modules.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self._function = _load(name, folder)
        self._stuck = 0

    def ask(self, text: str, mode: str, timeout_s: float) -> Sequence[PluggedFinding]:
        """What it finds. Raises `CheckBroke`."""
        if self._stuck >= _MOST_STUCK:
            raise CheckBroke(f"{self.name} did not come back {self._stuck} times and is not called any more")
        answers: _Answers = queue.SimpleQueue()
        normal = unicodedata.normalize("NFKC", text)
        threading.Thread(target=self._call, args=(normal, mode, answers), name=self.name, daemon=True).start()
        try:
            found, error = answers.get(timeout=timeout_s)
        except queue.Empty:
            self._stuck += 1
            raise CheckBroke(f"{self.name} took over {timeout_s:g} s (setting: safety_timeout_s)") from None
        if error is not None:
            raise CheckBroke(f"{self.name} broke: {type(error).__name__}: {error}") from error
        try:
            return _FINDINGS.validate_python(found)
        except pydantic.ValidationError as invalid:
            raise CheckBroke(f"{self.name} did not answer with a list of findings") from invalid

    def _call(self, text: str, mode: str, answers: _Answers) -> None:
        try:
            answers.put((self._function(text, mode), None))
        except BaseException as error:  # whatever it is: it blocks
            answers.put((None, error))


def _load(name: str, folder: Path) -> Callable[[str, str], Any]:
    """The function of that name. Raises `InvalidSetting`."""
    module_name, _, function_name = name.partition(":")
    try:
        function = getattr(_module(module_name, folder), function_name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # also one that would end the process
        told = f"{name!r} cannot be loaded: {_told(error)}"
        raise InvalidSetting(f"config/constitution.toml, callables: {told}") from error
    if not callable(function):
        raise InvalidSetting(f"config/constitution.toml, callables: {name!r} is no function")
    loaded: Callable[[str, str], Any] = function
    return loaded


def _told(error: BaseException) -> str:
    """What an error says of itself, or its kind where it says nothing."""
    with contextlib.suppress(Exception):  # it is somebody's own
        if words := str(error):
            return words
    return type(error).__name__


class _OwnLoader(importlib.machinery.SourceFileLoader):
    """Loads code of the home where nobody else could have written it; nothing compiled is read or kept."""

    def get_code(self, fullname: str) -> CodeType:
        """The module's code. Raises `InvalidSetting`, `OSError`."""
        data = owned.read(Path(self.path), f"config/{Path(self.path).name}")
        return self.source_to_code(data, self.path)


def _module(name: str, folder: Path) -> ModuleType:
    path = folder / f"{name}.py"
    if not os.path.lexists(path):
        return importlib.import_module(name)
    own = f"skep_home_{name}"
    spec = importlib.util.spec_from_file_location(own, path, loader=_OwnLoader(own, str(path)))
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(spec.name, None)  # as an import does: half a module is none
        raise
    return module
