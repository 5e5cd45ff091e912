"""Which model answers right now: found at start, looked for again while it may change, told in the store.

A server that a call could not reach is asked for its list of models every now and then, which costs nothing,
until it answers: nobody who has mended it should read that it is gone until the next task says otherwise.
"""

from __future__ import annotations

import functools
import logging
import threading
from collections.abc import Callable
from typing import Final

from errors import NoModel, SkepError
from execution.heard_client import HeardClient
from llm.contracts import ChatClient
from llm.discovery import ModelStatus, endpoint_of, find_model, make_client
from llm.ping import ping
from settings import Settings
from store.reading import MODEL_STATUS
from store.sqlite_store import SqliteStore

logger = logging.getLogger(__name__)

#: Seconds between looks while none is ready or reached, or while the one in use was only found here.
LOOK_S: Final = 5.0
#: Seconds that a look which is under way may take at the end.
PATIENCE_S: Final = 0.5
_NOT_LOOKED: Final = ModelStatus(False, None, None, "no model configured: still looking for one")


class ModelWatch:
    """Knows the model and holds the one client all calls share.

    Parameters:
        settings: which model is wanted.
        store: is told which one answers.
        look_s: seconds between looks.
        is_halted: whether nothing may be sent now; nobody is asked then.
    """

    def __init__(
        self,
        settings: Settings,
        store: SqliteStore,
        look_s: float = LOOK_S,
        is_halted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._settings = settings
        self._store = store
        self._is_halted = is_halted
        #: seconds between looks
        self.look_s = look_s
        self._lock = threading.Lock()
        #: held while it is told, so that what is told last is the newest
        self._telling = threading.Lock()
        self._stop = threading.Event()
        #: set when there may be something to look at at once
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._client: ChatClient | None = None
        #: clients of earlier endpoints; calls under way still use them
        self._retired: list[ChatClient] = []
        self._told: ModelStatus | None = None
        self.status = _NOT_LOOKED

    def start(self) -> None:
        """Look, at once where nobody has to be asked, and go on looking while the answer may change."""
        if self._settings.llm_base_url and self._settings.llm_model:
            self.look()
        self._thread = threading.Thread(target=self._watch, name="model-watch", daemon=True)
        self._thread.start()

    def look(self) -> None:
        """Look once, and tell what has changed."""
        try:
            found = find_model(self._settings)
        except SkepError as error:
            found = ModelStatus(False, None, None, f"no model configured: {error.message}")
        with self._lock:
            if found.endpoint != self.status.endpoint and self._client is not None:
                self._retired.append(self._client)
                self._client = None
            if not (self.status.ready and found.ready and found.reached is None):
                self.status = found  # else nobody was asked, and the calls know more
        self._tell()

    def hear(self, endpoint: str | None, trouble: str | None, reached: bool) -> None:
        """The server at `endpoint` was asked: what is wrong, if anything, and whether it was reached."""
        with self._lock:
            if self.status.ready and endpoint == self.status.endpoint:
                self.status = self.status.heard(trouble, reached=reached)
        self._tell()
        if not (reached and self._is_settled()):
            self._wake.set()

    def client(self) -> tuple[ChatClient, ModelStatus]:
        """The client and what it talks to. Raises `NoModel`."""
        with self._lock:
            if not self.status.ready:
                raise NoModel(self.status.reason)
            if self._client is None:
                made = make_client(self._settings, self.status)
                self._client = HeardClient(made, functools.partial(self.hear, self.status.endpoint))
            return self._client, self.status

    def close(self) -> None:
        """Stop looking and close every connection. No call may be running."""
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(PATIENCE_S)  # it may wait for a server, and has nothing to say any more
        for client in [*self._retired, *([self._client] if self._client else [])]:
            client.close()

    def _watch(self) -> None:
        while not self._stop.is_set():
            if not self._is_halted():
                self._look_again()
            if self._is_settled() and self.status.reached is not False:
                self._wake.wait()
            self._wake.clear()
            self._stop.wait(self.look_s)

    def _look_again(self) -> None:
        if not self._is_settled():
            self.look()
        elif self.status.reached is False:
            self._ask()

    def _ask(self) -> None:
        """Ask a server that could not be reached whether it is there again."""
        endpoint = endpoint_of(self._settings)
        found = ping(endpoint)
        self.hear(endpoint.base_url, None if found.welcome else found.reason, found.reached)

    def _is_settled(self) -> bool:
        """Whether it is known which model is used: a configured server, its model known, the store told."""
        return bool(self._settings.llm_base_url) and self.status.ready and self._told == self.status

    def _tell(self) -> None:
        """Keep how it stands now, where that is another than was told last."""
        with self._telling:
            if self.status != self._told and not self._stop.is_set():
                self._keep(self.status)

    def _keep(self, found: ModelStatus) -> None:
        fact = {
            "ready": found.ready,
            "model": found.model,
            "endpoint": found.endpoint,
            "reason": found.reason,
            "reached": found.reached,
        }
        event = {name: value for name, value in fact.items() if name not in {"ready", "reached"}}
        try:
            self._store.set_fact(MODEL_STATUS, fact, "daemon.model", **event)
            self._told = found
        except SkepError as error:
            logger.error("which model answers could not be kept: %s", error)
