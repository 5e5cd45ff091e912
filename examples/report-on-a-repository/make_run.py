"""Makes a run that reads a directory of Python modules and writes a report on it. Prints it as JSON.

Usage: python make_run.py DIRECTORY [--most N] [--budget DOLLARS] > run.json

For every module three tasks: a command that reads it, a model that summarises what was read, and a model that
holds the summary against the module. All summaries, as they were reviewed, go into an outline and that into
the report, whose table of contents must name every module, or the report is rejected and written again.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any


def modules(directory: Path, most: int) -> list[str]:
    """The largest modules of a directory, at most so many, by their paths in it, in order of names."""
    found = [path for path in directory.rglob("*.py") if not any(part.startswith(".") for part in path.parts)]
    found.sort(key=lambda path: -path.stat().st_size)
    return sorted(str(path.relative_to(directory)) for path in found[:most])


def tasks_of(module: str) -> list[dict[str, Any]]:
    """The three tasks of a module."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", module.removesuffix(".py"))
    return [
        {"id": f"read-{name}", "argv": ["cat", module]},
        {
            "id": f"sum-{name}",
            "deps": [f"read-{name}"],
            "inputs": {"module": module},
            "prompt": "Say in at most 80 words what the Python module {{inputs.module}} is for, what it "
            "offers to others, and what it needs. Its text is in the data you are given.",
        },
        {
            "id": f"review-{name}",
            "deps": [f"read-{name}", f"sum-{name}"],
            "inputs": {"module": module},
            "prompt": "Hold this summary of {{inputs.module}} against the module itself, which is in the "
            "data you are given, and answer with the summary as it should be, in 80 words at most, alone:\n"
            f"{{{{deps.sum-{name}.output}}}}",
        },
    ]


def run_of(directory: Path, most: int, budget: float) -> dict[str, Any]:
    """The whole run."""
    names = modules(directory, most)
    if not names:
        raise SystemExit(f"There is no Python module in {directory}.")
    tasks = [task for module in names for task in tasks_of(module)]
    reviewed = [task["id"] for task in tasks if task["id"].startswith("review-")]
    listed = "\n".join(f"- {name}" for name in names)
    tasks += [
        {
            "id": "outline",
            "deps": reviewed,
            "inputs": {"modules": listed},
            "prompt": "Make the outline of a report on a program with these modules, by what belongs "
            "together, one line a section, every module in one of them:\n{{inputs.modules}}",
        },
        {
            "id": "report",
            "deps": [*reviewed, "outline"],
            "inputs": {"modules": listed},
            "prompt": "Write the report, in Markdown, after this outline:\n{{deps.outline.output}}\nBegin "
            "with a table of contents that names each of these modules:\n{{inputs.modules}}",
            "expect": {"contains": names},
        },
    ]
    policy = {
        "max_parallelism": 8,
        "on_failure": "fail_fast",
        "budget_limit": {"amount": budget},
        "run_timeout_ms": 4 * 3_600_000,
        "context_policy": {"max_tokens": 24_000, "strategy": "truncate"},
        "retry": {"max_attempts": 3},
    }
    return {"name": f"report on {directory.resolve().name}", "policy": policy, "tasks": tasks}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--most", type=int, default=20, help="modules at most, the largest")
    parser.add_argument("--budget", type=float, default=1.0, help="dollars")
    given = parser.parse_args()
    print(json.dumps(run_of(given.directory, given.most, given.budget), indent=2))


if __name__ == "__main__":
    main()
