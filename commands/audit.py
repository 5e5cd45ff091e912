"""``skep audit``: what was decided, and whether the record of it is whole."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import click

from clock import to_local_text
from commands import terminal
from commands.exits import FAILED, FINE
from commands.numbers import FROM_ONE
from commands.place import Place, json_option, with_place
from commands.progress import progress_bar
from store.audit_log import Checkpoint, record_of
from store.audit_log import verify as verify_audit
from store.chained_log.telling import to_json, told
from store.chained_log.verify import VerifyResult
from store.reading import PAGE, Reader

POLL_S: Final = 0.1
#: Records shown where no limit is named, and before what comes with -f.
SHOWN: Final = 50
SHOWN_BEFORE: Final = 10
_ACTIONS: Final = ("list", "verify")


@click.command(
    help=f"""Print the newest decisions, oldest first: what was allowed, blocked, issued, answered.
    With `verify`, check .swarm/audit.jsonl instead. Both work beside a running daemon.

    `list` shows {SHOWN} records; with -f {SHOWN_BEFORE} and then what comes; with --json a line a
    record. `verify` ends with 0 where everything fits, 1 at the first thing that does not,
    3 where it cannot be read. What was cut from the end of both the file and the database
    shows only with --from-checkpoint, which wants a checkpoint that was told earlier.

    Example: skep audit verify --from-checkpoint 1000:3f2a..."""
)
@click.argument("action", type=click.Choice(_ACTIONS), default="list", required=False)
@click.option("--limit", type=FROM_ONE, help="list: at most so many.")
@click.option("-f", "--follow", is_flag=True, help="list: go on with what comes.")
@click.option("--from-checkpoint", metavar="SEQ:MAC", help="verify: this record must be there.")
@json_option
@with_place
def audit(
    place: Place, action: str, limit: int | None, follow: bool, from_checkpoint: str | None, as_json: bool
) -> int:
    """Print the newest records, or check them all."""
    if action == "verify":
        if follow or limit is not None:
            raise click.UsageError("--limit and --follow are for `skep audit list`.")
        return _verify(place, from_checkpoint, as_json=as_json)
    if from_checkpoint is not None:
        raise click.UsageError("--from-checkpoint is for `skep audit verify`.")
    with place.reader() as reader:
        _list(reader, limit or (SHOWN_BEFORE if follow else SHOWN), follow=follow, as_json=as_json)
    return FINE


# -- verify ------------------------------------------------------------------------------------------------


def _verify(place: Place, from_checkpoint: str | None, *, as_json: bool) -> int:
    place.check()
    checkpoint = None if from_checkpoint is None else Checkpoint.parse(from_checkpoint)
    with progress_bar("checking", wanted=not as_json) as progress:
        found = verify_audit(place.home, checkpoint=checkpoint, progress=progress)
    here = str(Checkpoint(found.seq, found.seal)) if found.seq else None
    if as_json:
        terminal.print_json(to_json(found) | {"checkpoint": here})
    else:
        click.echo(terminal.clean(told(found, "The audit")))
        if found.ok:
            _tell_more(found, here, has_checkpoint=checkpoint is not None)
    return FINE if found.ok else FAILED


def _tell_more(found: VerifyResult, here: str | None, *, has_checkpoint: bool) -> None:
    if here is not None:
        click.echo(f"Checkpoint now: {here}")
    if not has_checkpoint:
        terminal.note("What was cut from both file and database shows only with --from-checkpoint.")


# -- list --------------------------------------------------------------------------------------------------


def _list(reader: Reader, limit: int, *, follow: bool, as_json: bool) -> None:
    newest = reader.all("last_audit", limit=limit)
    seen = newest[0]["seq"] if newest else 0
    for row in reversed(newest):
        _print(record_of(row), as_json=as_json)
    version = None
    while follow:
        sys.stdout.flush()
        now = reader.data_version()
        if now != version:
            version = now
            for record in _after(reader, seen):
                _print(record, as_json=as_json)
                seen = record["seq"]
        else:
            time.sleep(POLL_S)


def _after(reader: Reader, seen: int) -> Iterator[dict[str, Any]]:
    while page := reader.all("audit_after", after=seen, limit=PAGE):
        yield from map(record_of, page)
        seen = page[-1]["seq"]


def _print(record: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        click.echo(terminal.to_json(record, indent=None))
        return
    moment = to_local_text(datetime.fromisoformat(record["ts"]).timestamp())
    words = [
        f"{record['seq']:>6}",
        moment,
        f"{record['event']:<10}",
        f"{record['decision']:<9}",
        record["actor"],
    ]
    words += [
        str(record[name]) for name in ("task_id", "rule", "code", "answer", "reason") if record.get(name)
    ]
    if record.get("count"):
        words.append(f"({record['count']} times)")
    click.echo(terminal.shorten(" ".join(words), 400))
