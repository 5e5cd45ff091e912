"""An app that is really served, and who asks it."""

from __future__ import annotations

import http.client
import threading
from contextlib import contextmanager

from localhost import server


@contextmanager
def running(app, **options):
    stop, listening, ports = threading.Event(), threading.Event(), []

    def on_listening(port):
        ports.append(port)
        listening.set()

    thread = threading.Thread(
        target=server.serve, args=(app, 0, 4, stop), kwargs={"on_listening": on_listening, **options}
    )
    thread.start()
    assert listening.wait(10)
    try:
        yield ports[0], stop, thread
    finally:
        stop.set()
        thread.join(10)
        assert not thread.is_alive()


def get(port, path="/", headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=headers or {})
    return connection, connection.getresponse()
