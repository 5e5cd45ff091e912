"""A client whose calls tell how it stands with the model server: known at no cost beyond the calls."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from errors import ModelBusy, ModelError, ModelUnreachable
from llm.contracts import Call, ChatClient, ChatRequest, ChatResult

#: Statuses below 500 that no other call would be spared: the key is refused, or the account is empty.
_REFUSES_ALL: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN})


class HeardClient:
    """Passes everything on, and tells what each call says of the server.

    Parameters:
        client: makes the calls.
        hear: is told what is wrong (none: the server answered), and whether it could be reached.
    """

    def __init__(self, client: ChatClient, hear: Callable[[str | None, bool], None]) -> None:
        self._client = client
        self._hear = hear

    def complete(self, request: ChatRequest, *, on_text: Callable[[str], None], call: Call) -> ChatResult:
        """Ask as `ChatClient.complete`; a call that ends without a word of the server tells nothing."""
        try:
            result = self._client.complete(request, on_text=on_text, call=call)
        except ModelUnreachable as error:
            self._hear(error.message, False)
            raise
        except ModelError as error:
            if "server_status" in error.details:
                self._hear(error.message if _is_of_the_server(error) else None, True)
            raise
        self._hear(None, True)
        return result

    def models(self, timeout_s: float) -> list[str]:
        """The names of the models there."""
        return self._client.models(timeout_s)

    def close(self) -> None:
        """Close every connection."""
        self._client.close()


def _is_of_the_server(error: ModelError) -> bool:
    """Whether what it said is about itself and not about the one call; one that is busy answers."""
    status = int(error.details["server_status"])
    return status in _REFUSES_ALL or (
        status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, ModelBusy)
    )
