"""What the sandbox costs: ``/bin/true`` by the runner alone, beside bubblewrap and beside nothing at all."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import statistics
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import host_platform
from benchmarks.limits import TRUE
from benchmarks.measure import Bar, Bench, Figure, figure
from execution.local_runner import LocalRunner
from execution.running import Running
from safety.sandbox import Sandbox, bubblewrap, seccomp, view
from safety.work import Approved, Rights
from settings import Home, Settings
from store.outputs import OutputSink
from store.records import TaskRef

#: Commands at once, as many as a worker runs by default.
AT_ONCE: Final = 8
_APPROVED: Final = Approved.command((TRUE,), {})


@dataclass
class Taken:
    """What a number of commands took."""

    rate: float = 0.0
    #: milliseconds each
    each_ms: list[float] = field(default_factory=list)
    #: milliseconds of CPU a command, of this process and all it started
    cpu_ms: float = 0.0


def run(bench: Bench) -> list[Figure]:
    """Measure commands one after the other, and eight at once."""
    _adopt_orphans()
    count = bench.size(300, 60)
    runners = {name: _Runner(bench, name, warm) for name, warm in _kinds()}
    try:
        ways: dict[str, Callable[[], object]] = {name: one.run for name, one in runners.items()}
        ways["bare bwrap"] = _Bare(bench).run
        ways["bare subprocess"] = lambda: subprocess.run([TRUE], capture_output=True, check=True)
        results = bench.alternate({name: _measurement(way, count, 1) for name, way in ways.items()})
        many = bench.alternate(
            {f"{name}, 8": _measurement(way, count, AT_ONCE) for name, way in ways.items()}
        )
    finally:
        for one in runners.values():
            one.close()
    found = [_figure("one after the other", results, "")]
    found.append(_figure(f"{AT_ONCE} at once", many, ", 8"))
    found += [_beside(name, results) for name in runners if name != "bubblewrap"]
    return found


def _kinds() -> list[tuple[str, int]]:
    """The sandboxes that are measured, and how many are kept ready."""
    return [("bubblewrap", 8), ("bubblewrap, none kept ready", 0), ("landlock", 8)]


def _figure(how: str, results: dict[str, list[Taken]], suffix: str) -> Figure:
    ours, bare = results[f"bubblewrap{suffix}"], results[f"bare bwrap{suffix}"]
    return figure(
        f"sandboxed {TRUE}, runner alone, {how}",
        "commands/s",
        [one.rate for one in ours],
        beside={
            "bare bwrap": [one.rate for one in bare],
            "bare subprocess": [one.rate for one in results[f"bare subprocess{suffix}"]],
        },
        bar=Bar(0.8, "at least", "ratio"),
        note=f"{_told('Skep', ours)}; {_told('bare bwrap', bare)}",
    )


def _beside(name: str, results: dict[str, list[Taken]]) -> Figure:
    return figure(
        f"the same, one after the other: {name}",
        "commands/s",
        [one.rate for one in results[name]],
        beside={"bare bwrap": [one.rate for one in results["bare bwrap"]]},
        note=_told("Skep", results[name]),
    )


def _told(who: str, taken: list[Taken]) -> str:
    each = statistics.median(ms for one in taken for ms in one.each_ms)
    cpu = statistics.median(one.cpu_ms for one in taken)
    return f"{who}: median {each:.1f} ms and {cpu:.1f} ms of CPU each"


def _measurement(way: Callable[[], object], count: int, at_once: int) -> Callable[[], Taken]:
    def measure() -> Taken:
        for _ in range(at_once):
            way()
        taken = Taken()

        def one(_: int) -> None:
            began = time.monotonic()
            way()
            taken.each_ms.append((time.monotonic() - began) * 1000)

        before, began = _used_ms(), time.monotonic()
        with ThreadPoolExecutor(at_once) as pool:
            list(pool.map(one, range(count)))
        taken.rate = count / (time.monotonic() - began)
        taken.cpu_ms = (_used_ms() - before) / count
        return taken

    return measure


def _used_ms() -> float:
    """Milliseconds of CPU of this process and of all it started that have ended, orphans among them."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass  # every process that is waited for elsewhere has been
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used) * 1000


def _adopt_orphans() -> None:
    """Let processes that lose their parent come to this one, so that they are counted (prctl(2))."""
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


class _Runner:
    """The local runner over a home of its own, in one kind of sandbox."""

    def __init__(self, bench: Bench, name: str, warm: int) -> None:
        root = bench.place("sandbox")
        root.mkdir()
        self._home = Home(root)
        level = name.partition(",")[0]
        settings = Settings.model_validate({"sandbox": level, "sandbox_warm": warm})
        self._sandbox = Sandbox(self._home, settings)
        standing = self._sandbox.start()
        if not standing.ready:
            raise RuntimeError(standing.reason)
        self._local = LocalRunner(self._home, settings, host_platform.this_process(), self._sandbox)

    def run(self) -> None:
        """One command, its output kept and thrown away."""
        name = f"1-{time.monotonic_ns()}"
        sink = OutputSink(self._home.outputs, name, 4096)
        running = Running(TaskRef("bench", 1), "local", time.time())
        if self._local.run(_APPROVED, running, name, sink, 60.0).exit_code != 0:
            raise RuntimeError(f"{TRUE} failed")
        sink.discard()

    def close(self) -> None:
        """End what waits."""
        self._sandbox.close()


class _Bare:
    """bubblewrap with the very arguments that Skep gives it, started for each command."""

    def __init__(self, bench: Bench) -> None:
        root = bench.place("bare")
        (root / "workspace").mkdir(parents=True)
        home, bwrap = Home(root), bubblewrap.find()
        if bwrap is None:
            raise RuntimeError("bubblewrap is not installed")
        bubblewrap.write_files(root)
        self._filter = root / "filter"
        self._filter.write_bytes(seccomp.namespace_filter(network=False))
        plan = view.view_of(home, Rights())
        self._arguments = bubblewrap.arguments(bwrap, plan, root, Settings().sandbox_tmp_bytes, "@")

    def run(self) -> None:
        """One command."""
        handle = os.open(self._filter, os.O_RDONLY)
        try:
            words = [str(handle) if word == "@" else word for word in self._arguments]
            subprocess.run([*words, TRUE], capture_output=True, check=True, pass_fds=(handle,))
        finally:
            os.close(handle)
