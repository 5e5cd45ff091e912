"""``python -m benchmarks``: measure everything, tell how it goes, write ``docs/performance.md``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import huey_peer, machine, merging, plot, report
from benchmarks.measure import Bench, Figure
from benchmarks.rows import ROWS, Row
from testing.running_daemon import REPOSITORY

DOCS = REPOSITORY / "docs"
#: Ignored by git; on the disk of the checkout, since a temporary directory may be in memory.
RESULTS = REPOSITORY / "benchmarks" / "results"
ROUNDS = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for; the exit code."""
    options = _options(arguments)
    if options.list:
        for row in ROWS:
            print(f"{row.name:<9} {row.told}")
        return 0
    _check_machine()
    # A signal ends a measurement as an error does: everything that was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = [row for row in ROWS if not options.only or row.name in options.only]
    is_whole = len(chosen) == len(ROWS) and not options.quick
    RESULTS.mkdir(parents=True, exist_ok=True)
    disk = options.dir or RESULTS
    with tempfile.TemporaryDirectory(prefix="run-", dir=disk, ignore_cleanup_errors=True) as at:
        bench = Bench(Path(at), options.quick, options.rounds or (1 if options.quick else ROUNDS))
        about = machine.describe(bench.scratch)
        figures, failed = _measure(bench, chosen)
    if options.merge:
        return _merge(figures, about, failed)
    place = options.out or (DOCS if is_whole and not failed else RESULTS)
    _write(figures, about, bench, place)
    if options.json:
        options.json.write_text(json.dumps(_as_json(figures, about), indent=2) + "\n", "utf-8")
    for name in failed:
        print(f"row {name} could not be measured; see above", file=sys.stderr)
    return 1 if failed else 0


def _merge(figures: Mapping[str, Sequence[Figure]], about: Mapping[str, str], failed: Sequence[str]) -> int:
    """Put the rows that were measured into the page of the last whole run."""
    path = DOCS / "performance.md"
    has_plots = _draw_growths([one for found in figures.values() for one in found], DOCS)
    page = merging.merge(path.read_text("utf-8"), figures, machine.in_short(about), has_plots=has_plots)
    path.write_text(page, "utf-8")
    print(f"merged into {path}: {', '.join(figures)}")
    return 1 if failed else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names = [row.name for row in ROWS]
    parser.add_argument("--only", action="append", choices=names, help="measure this row")
    parser.add_argument(
        "--merge", action="store_true", help="put these rows into docs/performance.md, leave the others"
    )
    parser.add_argument("--list", action="store_true", help="print the rows")
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that everything works")
    parser.add_argument("--rounds", type=int, help=f"of each measurement (default {ROUNDS}, quick 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure of every round")
    where = "where the page goes (default: docs after a whole run, benchmarks/results after any other)"
    parser.add_argument("--out", type=Path, metavar="DIR", help=where)
    parser.add_argument("--dir", type=Path, help="measure on the disk of this directory")
    return parser.parse_args(arguments)


def _check_machine() -> None:
    if not Path("/proc/self/stat").exists():
        sys.exit("The benchmarks read /proc, which only Linux has.")
    if not huey_peer.is_installed():
        print("huey is not installed: its rows stand without the peer (`make bench` installs it).")
    if not plot.is_possible():
        print("matplotlib is not installed: no plot is drawn (`make bench` installs it).")


def _measure(bench: Bench, chosen: Sequence[Row]) -> tuple[dict[str, list[Figure]], list[str]]:
    """Each row's figures, and the names of rows that broke, which does not end the rest."""
    figures: dict[str, list[Figure]] = {}
    failed = []
    for number, row in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {row.name}: {row.told}", flush=True)
        began = time.monotonic()
        try:
            figures[row.name] = row.run(bench)
        except Exception as error:
            print("".join(traceback.format_exception(error)), file=sys.stderr, flush=True)
            failed.append(row.name)
            continue
        for one in figures[row.name]:
            print(f"    = {_line(one)}", flush=True)
        bench.say(f"{time.monotonic() - began:.0f} s")
    return figures, failed


def _line(one: Figure) -> str:
    beside = "; ".join(f"{each.name} {report.number(each.value)}" for each in one.beside)
    ratio = f"; ratio {one.ratio:.2f}" if one.ratio is not None else ""
    bar = f"; {report.bar_text(one)}: {report.verdict(one).strip('*')}" if one.bar else ""
    return f"{one.what}: {report.number(one.value)} {one.unit}{'; ' if beside else ''}{beside}{ratio}{bar}"


def _write(
    figures: Mapping[str, Sequence[Figure]], about: Mapping[str, str], bench: Bench, place: Path
) -> None:
    place.mkdir(parents=True, exist_ok=True)
    everything = [one for found in figures.values() for one in found]
    has_plot = plot.draw(everything, place / "performance.svg")
    _draw_growths(everything, place)
    page = report.write(figures, about, rounds=bench.rounds, is_quick=bench.is_quick, has_plot=has_plot)
    (place / "performance.md").write_text(page, "utf-8")
    print(f"written: {place / 'performance.md'}{' and performance.svg' if has_plot else ''}")


def _draw_growths(figures: Sequence[Figure], place: Path) -> bool:
    """Draw how runs grow; whether plots can be drawn."""
    for growth in report.growths(figures):
        plot.draw_growth(growth, place / growth.plot)
    return plot.is_possible()


def _as_json(figures: Mapping[str, Sequence[Figure]], about: Mapping[str, str]) -> dict[str, object]:
    rows = {
        name: [dataclasses.asdict(one) | {"ratio": one.ratio, "met": one.is_met} for one in found]
        for name, found in figures.items()
    }
    return {"machine": dict(about), "rows": rows}


if __name__ == "__main__":
    sys.exit(main())
