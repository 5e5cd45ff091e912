"""A trivial Flask application behind waitress, which answers a post with what it was sent."""

from __future__ import annotations

import sys
from typing import Any

import flask
import waitress.server


def main() -> None:
    """Say the address, then serve until killed."""
    app = flask.Flask("echo")

    @app.post("/echo")
    def echo() -> flask.Response:
        return flask.jsonify(flask.request.get_json())

    server: Any = waitress.server.create_server(app, host="127.0.0.1", port=0, threads=int(sys.argv[1]))
    print(f"http://127.0.0.1:{server.effective_port}/echo", flush=True)
    server.run()


if __name__ == "__main__":
    main()
