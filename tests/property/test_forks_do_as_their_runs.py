"""A fork that changes nothing, and whose work answers the same, does as the run it is a fork of.

Every task after the one it is forked from is told the same texts; every task ends as it did; and nothing runs
again that has its answer and does not stand behind that task. So it is for graphs with rounds, lists, tasks
that answers ask for, conditions and failures, and for forks of forks. Where the work answers something else
in the fork, no task keeps an answer that it made from a text which no longer stands.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from testing.durable_runs import DurableRuns

_numbers = itertools.count(1)
#: What stands for a round or an item in the name of a task.
_COPY = re.compile(r"\.r\d+")


@st.composite
def graphs(draw: Any) -> list[dict[str, Any]]:
    """Tasks by the fields of a request; `adds` says what their answers ask for."""
    found: list[dict[str, Any]] = []
    for number in range(draw(st.integers(2, 5))):
        before = [each["id"] for each in found]
        deps = draw(st.lists(st.sampled_from(before), min_size=1, max_size=3, unique=True)) if before else []
        deps = deps if draw(st.integers(0, 3)) else []
        one: dict[str, Any] = {
            "id": f"t{number}",
            "deps": deps,
            "needs": draw(st.sampled_from(["all", "any"])),
        }
        if deps and draw(st.integers(0, 5)) == 0:
            of = f"{{{{deps.{deps[0]}.output}}}}"
            one["when"] = {
                "of": of,
                "test": "contains",
                "value": draw(st.sampled_from(["answer", "nothing"])),
            }
        if draw(st.integers(0, 3)) == 0:
            one["for_each"] = ["x", "y"]
        if draw(st.integers(0, 2)) == 0:
            one["may_add"] = True
            one["adds"] = draw(
                st.lists(st.sampled_from(["alone", "after", "adding"]), min_size=1, max_size=2)
            )
        found.append(one)
    _with_rounds(draw, found)
    return found


def _with_rounds(draw: Any, graph: list[dict[str, Any]]) -> None:
    """Have one of the tasks repeated; who depends on any of its rounds' tasks waits for their end."""
    able = [each for each in graph if "for_each" not in each]
    if not able or draw(st.integers(0, 3)) == 0:
        return
    last = draw(st.sampled_from([each for each in able if each["deps"]] or able))
    first = draw(st.sampled_from([*last["deps"], last["id"]]))
    value = draw(st.sampled_from(["r2", "r3", "r4", "answer"]))
    until = {"of": "{{output}}", "test": "contains", "value": value}
    otherwise = draw(st.sampled_from(["fail", "take"]))
    last["repeat"] = {"first": first, "until": until, "most": 3, "otherwise": otherwise}
    part = part_of(graph)
    graph.append({"id": f"t{len(graph)}", "deps": sorted(part), "needs": "all"})


def reached(graph: list[dict[str, Any]], name: str) -> set[str]:
    deps = {each["id"]: each["deps"] for each in graph}
    found, left = {name}, [name]
    while left:
        more = [dep for dep in deps[left.pop()] if dep not in found]
        found.update(more)
        left += more
    return found


def part_of(graph: list[dict[str, Any]]) -> set[str]:
    """The tasks of a round; none where nothing is repeated."""
    for each in graph:
        if "repeat" in each:
            last, first = each["id"], each["repeat"]["first"]
            return {name for name in reached(graph, last) if first in reached(graph, name)}
    return set()


def requested(graph: list[dict[str, Any]]) -> list[dict[str, Any]]:
    part = part_of(graph)
    return [
        {name: value for name, value in each.items() if name != "adds"}
        | {
            "prompt": " ".join(
                [
                    "do",
                    "{{item}}" if "for_each" in each else "",
                    "{{previous}}" if each["id"] in part else "",
                    *(f"{{{{deps.{dep}.output}}}}" for dep in each["deps"]),
                ]
            )
        }
        for each in graph
    ]


def answering(graph: list[dict[str, Any]], broken: set[str], more_said: str = "") -> Callable[[str], str]:
    """What each task answers, by its name alone; `more_said` by all of them."""
    adds = {each["id"]: each.get("adds", []) for each in graph}

    def work(name: str) -> str:
        if name in broken:
            raise ValueError("it broke")
        said = f"answer {name.replace('.', '/')} of it{more_said}"
        root, is_added = re.split(r"[.-]", name)[0], "-" in name
        asked = ["alone"] if name.endswith("-adding") else [] if is_added else adds[root]
        more = [
            {
                "id": f"{name}-{number}-{how}",
                "prompt": f"more {{{{deps.{name}.output}}}}" if how == "after" else "more",
                "deps": [name] if how == "after" else [],
                "may_add": how == "adding",
            }
            for number, how in enumerate(asked)
        ]
        return f"{said}\n```skep-tasks\n{json.dumps({'tasks': more})}\n```" if more else said

    return work


def ends(run: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    return {name: (one["state"], (one.get("error") or {}).get("code")) for name, one in run["tasks"].items()}


def behind(graph: list[dict[str, Any]], run: dict[str, Any], *changed: str) -> set[str]:
    """Tasks and all that wait for them, by the page of the run and by the rounds they depend on."""
    part, last = part_of(graph), [each["id"] for each in graph if "repeat" in each]
    found = {*changed}
    while True:
        more = {
            name
            for name, one in run["tasks"].items()
            if name not in found and not found.isdisjoint(_waits_for(name, one, part, last))
        }
        if not more:
            return found
        found |= more


def _waits_for(name: str, one: dict[str, Any], part: set[str], last: list[str]) -> set[str]:
    deps = {_COPY.sub("", dep) for dep in one["deps"]}
    return deps if name in part or deps.isdisjoint(part) else deps.union(last)


def stems_from(run: dict[str, Any], name: str) -> set[str]:
    """A task with those that it is a round or an item of, or was asked for by."""
    found, tasks = {name}, run["tasks"]
    while (above := tasks[name].get("parent") or tasks[name].get("added_by")) is not None:
        found.add(name := above)
    return found


def check(
    rig: DurableRuns,
    graph: list[dict[str, Any]],
    first: dict[str, Any],
    sent: dict[str, str],
    changed: str,
) -> dict[str, Any]:
    """Fork a run that was told `sent`; the fork."""
    rig.begun, rig.sent = [], {}
    told = rig.go(rig.fork(first["id"], task=changed, id=f"r{next(_numbers)}"))
    undone = [each["id"] for each in graph if "repeat" in each and not has_its_rounds(graph, first)]
    after = behind(graph, first, changed, *undone)
    kept = {name for name, one in first["tasks"].items() if one["state"] == "completed"} - after
    if not has_its_rounds(graph, first):
        kept -= part_of(graph)  # whose last answers may be none
    assert [name for name in rig.begun if name in kept and stems_from(first, name) <= kept] == []
    before, now = ends(first), ends(told)
    assert {name: now[name] for name in now if name in before} == {
        name: before[name] for name in before if name in now
    }
    asked_for = {name for name, one in first["tasks"].items() if "parent" not in one}
    assert asked_for == {name for name, one in told["tasks"].items() if "parent" not in one}
    for name in (set(rig.sent) & set(sent)) - added_amid_rounds(graph, first):
        assert _COPY.sub("", rig.sent[name]) == _COPY.sub("", sent[name]), name
    return told


def begins_amid_rounds(graph: list[dict[str, Any]], run: dict[str, Any], changed: str) -> bool:
    """Whether rounds are done anew and their first step is not: they begin with what the last one left."""
    last = next((each for each in graph if "repeat" in each), None)
    if last is None or changed == last["repeat"]["first"]:
        return False
    after = behind(graph, run, changed)
    is_amid = last["repeat"]["first"] not in after and not after.isdisjoint(part_of(graph))
    return is_amid or not has_its_rounds(graph, run)


def has_its_rounds(graph: list[dict[str, Any]], run: dict[str, Any]) -> bool:
    """Whether what is repeated completed, where something is."""
    repeated = [each["id"] for each in graph if "repeat" in each]
    return all(run["tasks"][name]["state"] == "completed" for name in repeated)


def added_amid_rounds(graph: list[dict[str, Any]], run: dict[str, Any]) -> set[str]:
    """Added tasks that depend on a part of rounds: of a fork they wait for the end, and did not before."""
    part = part_of(graph)
    return {
        name
        for name, one in run["tasks"].items()
        if "added_by" in one and not part.isdisjoint(_COPY.sub("", dep) for dep in one["deps"])
    }


def standing(run: dict[str, Any], name: str) -> str | None:
    """The answer of a task as those after it are told it."""
    one = run["tasks"][name]
    text: str | None = run["tasks"][one.get("answer_of", name)].get("output")
    return text


def without_rounds(graph: list[dict[str, Any]], sent: dict[str, str]) -> dict[str, str]:
    part = part_of(graph)
    return {name: text for name, text in sent.items() if name.partition(".")[0] not in part}


@settings(max_examples=35, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(), st.data())
def test_a_fork_that_changes_nothing_does_as_its_run(
    rig: DurableRuns, graph: list[dict[str, Any]], data: st.DataObject
) -> None:
    names = [each["id"] for each in graph]
    breakable = [
        f"{name}{more}" for name in names for more in ("", ".1", ".2", ".r2", "-0-alone", ".r2-0-after")
    ]
    rig.work = answering(graph, data.draw(st.sets(st.sampled_from(breakable), max_size=2)))
    rig.begun, rig.sent = [], {}
    run = rig.go(
        rig.start(id=f"r{next(_numbers)}", policy={"on_failure": "continue"}, tasks=requested(graph))
    )
    sent = rig.sent
    for _ in range(2):
        able = sorted(name for name, one in run["tasks"].items() if "parent" not in one)
        last = [name for name in able if name == graph[-1]["id"]]
        changed = data.draw(st.sampled_from(last if data.draw(st.booleans()) else able))
        if begins_amid_rounds(graph, run, changed):
            sent = without_rounds(graph, sent)
        run = check(rig, graph, run, sent, changed)
        sent |= without_rounds(graph, rig.sent)


@settings(max_examples=35, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(), st.data())
def test_a_fork_keeps_no_answer_made_from_a_text_that_no_longer_stands(
    rig: DurableRuns, graph: list[dict[str, Any]], data: st.DataObject
) -> None:
    names = [each["id"] for each in graph]
    broken = data.draw(st.sets(st.sampled_from([*names, *(f"{name}.r2" for name in names)]), max_size=1))
    rig.work = answering(graph, broken)
    policy, part = {"on_failure": "continue"}, part_of(graph)
    run = rig.go(rig.start(id=f"r{next(_numbers)}", policy=policy, tasks=requested(graph)))
    for turn in range(2):
        rig.work = answering(graph, broken, f" anew {turn}")
        able = sorted(name for name, one in run["tasks"].items() if "parent" not in one)
        changed = data.draw(st.sampled_from(able))
        fork = rig.go(rig.fork(run["id"], task=changed, id=f"r{next(_numbers)}"))
        for name, one in fork["tasks"].items():
            if "reused_from" in one and "parent" not in one and name not in part:
                told = {dep: standing(fork, dep) for dep in one["deps"]}
                assert told == {dep: standing(run, dep) for dep in told}, name
        run = fork
