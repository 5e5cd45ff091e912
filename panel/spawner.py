"""The addresses that once started tasks beside the queue; gone for good."""

from __future__ import annotations

from typing import ClassVar, Final

import flask

from errors import SkepError

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")

blueprint = flask.Blueprint("spawner", __name__, url_prefix="/api/spawner")


class SpawnerGone(SkepError):
    """worker.py is the only runner; add a task to queue.json or with `skep add`."""

    code: ClassVar[str] = "spawner_gone"
    http_status: ClassVar[int] = 410


@blueprint.route("", methods=METHODS)
@blueprint.route("/", methods=METHODS)
@blueprint.route("/<path:_anything>", methods=METHODS)
def gone(_anything: str = "") -> flask.Response:
    """Gone for good: always 410, with the way to start tasks today."""
    raise SpawnerGone
