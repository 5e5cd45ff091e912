"""A schedule of the queue file after an edit of its times."""

from __future__ import annotations

from tests.unit.queue_file.keeping import Keeping

A = {"id": "a", "prompt": "say hello"}


def test_not_before_of_an_edit_holds_the_next_firing_of_a_schedule_and_without_it_that_comes_sooner(
    keeping: Keeping,
) -> None:
    def next_time() -> float:
        row = keeping.store.reader.task("s")
        assert row is not None
        return float(row["not_before"])

    later = keeping.clock.now() + 10_000
    keeping.put({**A, "id": "s", "every": "*/5 * * * *"})
    assert next_time() < later

    keeping.edit(lambda file: file["tasks"][0].update(not_before=later))
    keeping.round()
    assert later <= next_time() < later + 300

    keeping.edit(lambda file: file["tasks"][0].pop("not_before"))
    keeping.round()
    assert next_time() < later
