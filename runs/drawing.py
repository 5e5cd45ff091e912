"""The graph of a run as text, as a Mermaid flowchart (mermaid.js.org) or in DOT (graphviz.org). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import TopologicalSorter
from typing import Any, Final

#: How a state is marked in the picture.
COLOURS: Final = {
    "completed": "#9fd8a8",
    "failed": "#f0a8a0",
    "skipped": "#dddddd",
    "running": "#a8c8f0",
    "ready": "#fff0b0",
    "pending": "#ffffff",
}


def levels(tasks: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """The tasks by how far they stand from the beginning, each level in order of ids."""
    depth: dict[str, int] = {}
    for name in TopologicalSorter({name: task["deps"] for name, task in tasks.items()}).static_order():
        depth[name] = max((depth[dep] + 1 for dep in tasks[name]["deps"]), default=0)
    found: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in sorted(depth):
        found[depth[name]].append(name)
    return found


def as_text(tasks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A line a task, level by level, with what it waits for."""
    lines = []
    for number, names in enumerate(levels(tasks)):
        for name in names:
            task = tasks[name]
            waits = f" <- {', '.join(task['deps'])}" if task["deps"] else ""
            by = f" by the run {task['child']}" if task.get("child") else ""
            lines.append(f"{'  ' * number}{name} [{task['state']}]{waits}{by}")
    return lines


def as_mermaid(tasks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A Mermaid flowchart."""
    number = _numbered(tasks)
    lines = ["flowchart LR"]
    lines += [f'  {number[name]}["{name}"]:::{task["state"]}' for name, task in tasks.items()]
    lines += [f"  {number[dep]} --> {number[name]}" for name, task in tasks.items() for dep in task["deps"]]
    return lines + [f"  classDef {state} fill:{colour},color:#000" for state, colour in COLOURS.items()]


def as_dot(tasks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A Graphviz graph."""
    lines = ["digraph run {", "  rankdir=LR;", "  node [shape=box, style=filled];"]
    lines += [f'  "{name}" [fillcolor="{COLOURS[task["state"]]}"];' for name, task in tasks.items()]
    lines += [f'  "{dep}" -> "{name}";' for name, task in tasks.items() for dep in task["deps"]]
    return [*lines, "}"]


def _numbered(names: Sequence[str] | Mapping[str, Any]) -> dict[str, str]:
    return {name: f"n{number}" for number, name in enumerate(names)}
