"""The two pictures of `docs/architecture.md`: the house, drawn from the floors a test enforces, and the road.

Both carry their own ground and two sets of colours, so that they are readable on a light and on a dark page.
"""

from __future__ import annotations

import ast
import html
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.unit.test_floors_hold import FLOORS

HOME: Final = Path(__file__).resolve().parents[1]

_STYLE: Final = """\
<style>
  svg { font-family: ui-sans-serif, system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
  .ground { fill: #ffffff; stroke: #d8d2c4; } .floor { fill: #f6f1e4; } .floor.odd { fill: #efe7d3; }
  .room { fill: #ffffff; stroke: #8a6d1d; } .room.planned { fill: none; stroke-dasharray: 4 3; }
  .name { fill: #2b2410; font-size: 14px; } .small { fill: #5c5236; font-size: 12px; }
  .head { fill: #2b2410; font-size: 16px; font-weight: 600; } .planned-name { fill: #6b6041; }
  .roof { fill: #d9a514; } .line { stroke: #8a6d1d; stroke-width: 1.5; fill: none; }
  .worker { fill: #e3edf8; stroke: #2f6aa8; } .swarm { fill: #e4f2e3; stroke: #3b7d3a; }
  .leader { fill: #f3e8f6; stroke: #84489a; } .people { fill: #fdf3d7; stroke: #8a6d1d; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #16140f; stroke: #4a4431; } .floor { fill: #221f17; } .floor.odd { fill: #2a261b; }
    .room { fill: #16140f; stroke: #d9b24a; } .name, .head { fill: #f3ead0; } .small { fill: #c9bd97; }
    .room.planned { fill: none; } .planned-name { fill: #b3a781; } .line { stroke: #d9b24a; }
    .worker { fill: #15283b; stroke: #79aede; } .swarm { fill: #17301a; stroke: #82c281; }
    .leader { fill: #2c1a33; stroke: #c994dc; } .people { fill: #33290f; stroke: #d9b24a; }
  }
</style>"""


@dataclass(frozen=True)
class Step:
    """One step of the golden path."""

    name: str
    #: people, worker, swarm or leader
    who: str
    #: the files that do it, the first one above all
    files: tuple[str, ...]
    #: what is told of it
    told: str


ROAD: Final = (
    Step("a task is written", "people", ("queue.json", "commands/add.py"),
         "an edit, inbox/, skep add, /plan"),
    Step("it is taken in", "leader", ("store/queue_file/taking_in.py", "store/queue_file/inbox.py",
         "store/intake.py"), "queued, or refused with the reason"),
    Step("it waits", "worker", ("store/waiting.py", "store/lanes.py", "store/schedules.py"), "waiting_for"),
    Step("it is claimed", "worker", ("store/engine.py", "store/claims.py"), "in_progress, under a lease"),
    Step("it is split, if it asks for much", "worker", ("road/planning.py", "planning/plan.py",
         "store/planning.py"), "queued, with its subtasks"),
    Step("a tool is looked up", "worker", ("tool_router.py", "context/context_builder.py"), "tool_route"),
    Step("preflight", "worker", ("safety/gateway.py", "road/walk.py", "road/agreement.py"),
         "safety_blocked, held for a person's leave, or on it goes"),
    Step("headroom", "worker", ("safety/headroom.py", "road/holding.py"),
         "on it goes, or it waits for a budget"),
    Step("it is sent", "worker", ("road/cycle_client.py",), "POST /cycle, many in one request"),
    Step("it is let in", "swarm", ("localhost/gate.py", "execution/cycle.py"),
         "token, lease, the task's own words"),
    Step("the gate looks again", "swarm", ("safety/gateway.py", "safety/command_policy.py"),
         "the exact bytes that run"),
    Step("its start is recorded", "swarm", ("store/recording.py", "safety/secure_api.py"),
         "an attempt with its process, its worst case reserved"),
    Step("it runs", "swarm", ("execution/local_runner.py", "execution/llm_runner.py", "store/outputs.py"),
         "output, live and then by its hash"),
    Step("its outcome is durable", "swarm", ("execution/cycle.py", "store/recording.py",
         "safety/secure_api.py"), "before /cycle answers, and its cost with it"),
    Step("it is judged", "worker",
         ("road/judging.py", "road/checking.py", "review/critics.py", "review/lifecycle.py"),
         "completed, pending_review"),
    Step("it ends, or goes back", "worker", ("store/recording.py", "enrichment/rewards.py"),
         "approved, failed, requeue, or a question"),
    Step("dependants are released", "worker", ("store/ending.py",), "in the same transaction"),
    Step("it is shown", "leader", ("store/queue_file/projection.py", "store/chained_log/export.py"),
         "queue.json, execution_log.jsonl"),
)  # fmt: skip


def exists(room: str) -> bool:
    """Whether a room of the plan is built."""
    return (HOME / f"{room}.py").exists() or (HOME / room / "__init__.py").exists()


def rooms() -> Iterator[tuple[str, str, str]]:
    """Floor, name and first words of every room, from the roof to the ground."""
    for number, floor in enumerate(FLOORS):
        for room in sorted(floor):
            yield str(len(FLOORS) - number), f"`{room}`", _about(room)


def _about(room: str) -> str:
    if not exists(room):
        return "planned"
    path = HOME / f"{room}.py"
    path = path if path.exists() else HOME / room / "__init__.py"
    told = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return told.splitlines()[0].replace("``", "`") if told else ""


def house() -> str:
    """The house: a band for each floor, a box for each room."""
    width, left, height = 1120, 60, 46
    body = [f'<path class="roof" d="M{left - 20} 92 L{width // 2} 40 L{width - left + 20} 92 Z"/>']
    body.append(f'<text class="head" x="{width // 2}" y="28" text-anchor="middle">The house</text>')
    top = 92
    for number, floor in enumerate(FLOORS):
        body.append(_floor(len(FLOORS) - number, sorted(floor), top, left, width, height))
        top += height
    note = "A room imports only from floors below its own. Dashed: planned."
    body.append(f'<text class="small" x="{left}" y="{top + 26}">{note}</text>')
    return _svg(width, top + 44, "The house: the rooms of Skep, floor by floor", body)


def _floor(number: int, names: list[str], top: int, left: int, width: int, height: int) -> str:
    odd = " odd" if number % 2 else ""
    parts = [
        f'<rect class="floor{odd}" x="{left}" y="{top}" width="{width - 2 * left}" height="{height}"/>',
        f'<text class="small" x="{left - 12}" y="{top + 28}" text-anchor="end">{number}</text>',
    ]
    gap = 10
    room = (width - 2 * left - gap * (len(names) + 1)) / len(names)
    room = min(room, 210)
    start = (width - len(names) * room - gap * (len(names) - 1)) / 2
    for index, name in enumerate(names):
        x = start + index * (room + gap)
        planned = "" if exists(name) else " planned"
        look = "name" if exists(name) else "name planned-name"
        parts.append(
            f'<rect class="room{planned}" x="{x:.0f}" y="{top + 8}" width="{room:.0f}" height="30" rx="5"/>'
            f'<text class="{look}" x="{x + room / 2:.0f}" y="{top + 28}" text-anchor="middle">{name}</text>'
        )
    return "\n".join(parts)


def road_rows() -> Iterator[tuple[str, str, str, str]]:
    """The road as rows of a table."""
    for number, step in enumerate(ROAD, 1):
        files = ", ".join(f"[{file}](../{file})" for file in step.files)
        yield f"{number}. {step.name}", step.who, files, step.told


def road() -> str:
    """The road: a box for each step, in the colour of the process that takes it."""
    width, left, height, gap = 880, 40, 40, 14
    body = [f'<text class="head" x="{left}" y="34">The road of a task</text>']
    for index, who in enumerate(("people", "leader", "worker", "swarm")):
        x = 380 + index * 120
        body.append(f'<rect class="{who}" x="{x}" y="20" width="18" height="18" rx="3"/>')
        body.append(f'<text class="small" x="{x + 26}" y="34">{who}</text>')
    top = 60
    for number, step in enumerate(ROAD, 1):
        if number > 1:
            body.append(f'<path class="line" d="M{left + 130} {top - gap} V{top}"/>')
        body.append(
            f'<rect class="{step.who}" x="{left}" y="{top}" width="260" height="{height}" rx="6"/>'
            f'<text class="name" x="{left + 14}" y="{top + 25}">{number}. {html.escape(step.name)}</text>'
            f'<text class="small" x="{left + 280}" y="{top + 18}">{html.escape(step.told)}</text>'
            f'<text class="small" x="{left + 280}" y="{top + 34}">{" · ".join(step.files)}</text>'
        )
        top += height + gap
    return _svg(width, top + 10, "The road: the steps of a task, and the files that take them", body)


def _svg(width: int, height: int, title: str, body: list[str]) -> str:
    inner = "\n".join(body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-labelledby="title">\n<title id="title">{title}</title>\n{_STYLE}\n'
        f'<rect class="ground" x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="10"/>\n'
        f"{inner}\n</svg>\n"
    )
