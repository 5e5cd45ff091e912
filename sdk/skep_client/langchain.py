"""LangChain with Skep behind it; comes with ``pip install 'skep-client[langchain]'``.

`ChatSkep` stands wherever a chat model does. `SkepRunnable` is a run: one prompt, or a graph of tasks.
"""

from __future__ import annotations

try:
    import langchain_core  # noqa: F401  looked for before what needs it
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "skep_client.langchain needs langchain-core: pip install 'skep-client[langchain]'", name=error.name
    ) from error

from skep_client.langchain_chat import ChatSkep
from skep_client.langchain_run import SkepRunnable

__all__ = ["ChatSkep", "SkepRunnable"]
