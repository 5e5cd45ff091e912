"""``python -m benchmarks.tool_routing``: accuracy by half, calibration and latency.

``--wrong`` lists what went wrong. ``--tools FILE --requests FILE`` measure another set: lines of
``{id, tool, text}``, with `tool` null for none.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.tool_routing import accuracy, latency
from benchmarks.tool_routing.accuracy import Accuracy, Answered
from tool_router import ToolRouter


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = _options(arguments)
    tools = accuracy.read_tools(options.tools)
    requests = accuracy.read_requests(options.requests)
    answered = accuracy.answer(ToolRouter(tools), requests)
    halves = sorted({each.half for each in requests}, reverse=True)
    told: dict[str, Any] = {"tools": len(tools), "accuracy": {}}
    for half in halves:
        of_half = [each for each in answered if each.request.half == half]
        told["accuracy"][half] = _as_json(accuracy.measure(of_half))
        if options.wrong:
            _print_wrong(of_half)
    told["calibration"] = accuracy.calibration(answered)
    if not options.quick:
        texts = [each.text for each in requests]
        told["latency"] = [vars_of(latency.measure(tools, texts, size)) for size in latency.SIZES]
    print(json.dumps(told, indent=2))
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tool_routing", description=__doc__)
    parser.add_argument("--tools", type=Path, default=accuracy.TOOLS, help="a tools file")
    parser.add_argument("--requests", type=Path, default=accuracy.REQUESTS, help="lines of {id, tool, text}")
    parser.add_argument("--wrong", action="store_true", help="list the requests that were answered wrongly")
    parser.add_argument("--quick", action="store_true", help="leave the latency out")
    return parser.parse_args(arguments)


def _as_json(found: Accuracy) -> dict[str, Any]:
    return {name: getattr(found, name) for name in Accuracy.__slots__} | {"share": round(found.share, 3)}


def vars_of(found: latency.Latency) -> dict[str, float]:
    """The figures by their names."""
    return {name: round(getattr(found, name), 3) for name in latency.Latency.__slots__}


def _print_wrong(answered: Sequence[Answered]) -> None:
    for each in answered:
        if each.tool != each.request.tool:
            said = f"{each.tool} ({each.confidence:.2f}; first {each.first})"
            print(f"{each.request.text[:70]:70} wants {each.request.tool}, got {said}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
