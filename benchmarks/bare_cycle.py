"""What ``/cycle`` is without Skep: a Flask application behind waitress that asks a model with httpx."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

import flask
import httpx
import waitress.server

from benchmarks.limits import model_body


def main() -> None:
    """Say the address, then serve until killed."""
    threads, model = int(sys.argv[1]), sys.argv[2]
    app = flask.Flask("bare")
    local = threading.local()

    @app.post("/cycle")
    def cycle() -> flask.Response:
        if not hasattr(local, "client"):
            local.client = httpx.Client(trust_env=False, timeout=60)
        asked = flask.request.get_json()
        return flask.jsonify({"task_id": asked["task_id"], "result": _answer(local.client, model)})

    # A hundred connections, which is waitress's own limit, are kept open by two rounds of callers.
    server: Any = waitress.server.create_server(
        app, host="127.0.0.1", port=0, threads=threads, connection_limit=1000
    )
    print(f"http://127.0.0.1:{server.effective_port}/cycle", flush=True)
    server.run()


def _answer(client: httpx.Client, model: str) -> str:
    """The text of a streamed answer."""
    with client.stream("POST", f"{model}/chat/completions", json=model_body()) as response:
        response.raise_for_status()
        said = [line.removeprefix("data: ") for line in response.iter_lines() if line.startswith("data: {")]
    choices = [choice for chunk in said for choice in json.loads(chunk).get("choices", [])]
    return "".join(choice.get("delta", {}).get("content") or "" for choice in choices)


if __name__ == "__main__":
    main()
