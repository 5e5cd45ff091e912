"""The figures of ``docs/security.md`` are of today's corpus. Whether they hold, `tests/safety` finds out."""

from __future__ import annotations

from tests.safety import corpus, report


def test_the_figures_were_taken_with_today_s_corpus() -> None:
    page = report.PAGE.read_text("utf-8")

    assert report.opening(corpus.load()) in page, "run: make safety-report"
