"""A client whose calls tell whether the model server could be reached: known at no cost beyond the calls."""

from __future__ import annotations

from collections.abc import Callable

from errors import ModelError, ModelUnreachable
from llm.contracts import Call, ChatClient, ChatRequest, ChatResult


class HeardClient:
    """Passes everything on, and tells what each call says of the server.

    Parameters:
        client: makes the calls.
        hear: is told that the server answered (none), or why it could not be reached.
    """

    def __init__(self, client: ChatClient, hear: Callable[[str | None], None]) -> None:
        self._client = client
        self._hear = hear

    def complete(self, request: ChatRequest, *, on_text: Callable[[str], None], call: Call) -> ChatResult:
        """Ask as `ChatClient.complete`; a call that ends without a word of the server tells nothing."""
        try:
            result = self._client.complete(request, on_text=on_text, call=call)
        except ModelUnreachable as error:
            self._hear(error.message)
            raise
        except ModelError as error:
            if "server_status" in error.details:
                self._hear(None)
            raise
        self._hear(None)
        return result

    def models(self, timeout_s: float) -> list[str]:
        """The names of the models there."""
        return self._client.models(timeout_s)

    def close(self) -> None:
        """Close every connection."""
        self._client.close()
