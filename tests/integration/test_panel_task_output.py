"""The output of a task, piece by piece, as the panel tells it."""

from __future__ import annotations

import io
import re
import sys
from urllib.parse import quote

import pytest

from outcome import Verdict
from panel.output_finding import OVERLAP, WAYS, find_in, folded
from panel.task_output import MOST_BYTES, PIECE_BYTES, Opened
from store.outputs import OutputSink
from tests.integration.panel_task import REVIEWED, SECRET, answered, api, page_of
from tests.integration.test_panel_page import Seen
from tests.unit.panel.conftest import *  # noqa: F403  the fixtures


def pieces(browser, task_id, limit, start=0):
    found, place = [], start
    while True:
        piece = api(browser, task_id, "output", f"?offset={place}&limit={limit}").json
        found.append(piece["text"])
        if piece["next"] == place or piece["next"] >= piece["bytes"]:
            return found
        place = piece["next"]


def test_an_output_is_read_piece_by_piece_and_nothing_is_missing(browser, by):
    data = "".join(f"line {number}: grüße, 世界 😀\n" for number in range(300))
    answered(by, "said", data.encode(), command="git log")

    for limit in (61, 1000, 65536):
        assert "".join(pieces(browser, "said", limit)) == data


def test_the_last_whole_lines_come_first(browser, by):
    answered(by, "said", b"".join(b"line %d\n" % number for number in range(50_000)), command="git log")

    piece = api(browser, "said", "output").json

    assert piece["offset"] > 0
    assert piece["next"] == piece["bytes"]
    assert piece["text"].startswith("line ")
    assert piece["text"].endswith("line 49999\n")


@pytest.mark.parametrize("place", [1, 9, 30, len(SECRET) - 1])
def test_a_secret_that_lies_across_a_cut_is_shown_on_neither_side(browser, by, place):
    before = b"x" * 99 + b"\n"
    answered(by, "said", before + f"key {SECRET} end\n".encode() + b"y\n" * 50, command="git log")
    cut = len(before) + 4 + place

    first = api(browser, "said", "output", f"?offset=0&limit={cut}").json
    second = api(browser, "said", "output", f"?offset={first['next']}").json

    assert first["next"] == cut
    shown = first["text"] + second["text"]
    assert "[redacted:" in shown
    assert not any(SECRET[at : at + 6] in shown for at in range(len(SECRET) - 6))
    assert second["text"].endswith(" end\n" + "y\n" * 50)


@pytest.mark.parametrize("end", ["", "-----END PGP PRIVATE KEY BLOCK-----\n"])
@pytest.mark.parametrize("before", [0, 1000, 5000], ids="{} lines before".format)
def test_a_long_private_key_is_shown_by_no_piece_and_not_found(browser, by, before, end):
    lines = [f"{number:05d}" + "kEy0" * 14 + "\n" for number in range(700)]  # 43 KB
    key = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" + "".join(lines) + end
    answered(by, "said", ("text\n" * before + key).encode(), command="git log")

    pieces = [api(browser, "said", "output").json]
    pieces += [
        api(browser, "said", "output", f"?offset={at}&limit=4096").json for at in range(0, 43_000, 5000)
    ]

    assert "kEy0" not in "".join(each["text"] for each in pieces)
    assert found(browser, "kEy0")["at"] is None
    assert found(browser, "00420kEy0")["at"] is None


def test_what_is_being_written_is_read_as_it_comes_and_half_a_secret_waits(browser, by):
    claim = by.start("runs", command="git log")
    assert api(browser, "runs", "output").json["text"] == ""
    sink = by.write_live(claim)

    sink.write(b"one\ntwo\n")
    first = api(browser, "runs", "output").json
    sink.write(f"key {SECRET[:20]}".encode())
    half = api(browser, "runs", "output", f"?offset={first['next']}").json
    sink.write(f"{SECRET[20:]}\nthree\n".encode())
    rest = api(browser, "runs", "output", f"?offset={half['next']}").json

    assert (first["text"], first["is_live"]) == ("one\ntwo\n", True)
    assert SECRET[:12] not in half["text"]
    assert (half["text"] + rest["text"]).startswith("key [redacted:")
    assert rest["text"].endswith("\nthree\n")
    by.end(claim, sink, Verdict(decision="APPROVE", confidence=0.9))
    ended = api(browser, "runs", "output", f"?offset={rest['next']}").json
    assert (ended["text"], ended["is_live"]) == ("", False)


def test_between_its_live_file_and_its_record_an_output_does_not_begin_anew(browser, by):
    claim = by.start("runs", command="git log")
    sink = by.write_live(claim)
    sink.write(b"one\ntwo\n")
    first = api(browser, "runs", "output").json

    sink.close()
    between = api(browser, "runs", "output", f"?offset={first['next']}").json
    by.end(claim, sink, Verdict(decision="APPROVE", confidence=0.9))
    ended = api(browser, "runs", "output", f"?offset={between['next']}").json

    assert (between["is_live"], between["text"]) == (True, "")
    assert between["offset"] == between["next"] == first["next"] == 8
    assert (ended["is_live"], ended["offset"], ended["text"]) == (False, 8, "")


def test_binary_and_control_codes_are_harmless_text(browser, by):
    answered(by, "said", b"\x1b[31mred\x1b[0m \x00\xff\xfe \xe2\x80\xae back\r\n", command="git log")

    text = api(browser, "said", "output").json["text"]

    assert "␛[31mred␛[0m" in text
    assert "\\xff\\xfe" in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)


def test_a_line_of_ten_megabytes_comes_in_bounded_pieces(browser, by):
    answered(by, "said", b"x" * 10_000_000, command="git log")

    piece = api(browser, "said", "output", "?limit=99999999").json

    assert piece["bytes"] == 10_000_000
    assert len(piece["text"]) == 256 * 1024
    assert len(page_of(browser, "said").data) < 100_000


def test_a_download_is_a_file_that_no_browser_runs(browser, by):
    data = b"<script>alert(1)</script>\x1b[2J " + SECRET.encode() + b"\n"
    answered(by, "b.said", data, command="git log")

    answer = api(browser, "b.said", "download")

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="b.said.1.txt"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.data.startswith(b"<script>alert(1)</script>\x1b[2J [redacted:")


def test_an_output_is_told_by_the_attempt_that_made_it(browser, by):
    by.answer_twice("notes", "one\n", "two\n", **REVIEWED)

    newest = api(browser, "notes", "output").json
    first = api(browser, "notes", "output", "?lease=1").json

    assert (newest["text"], first["text"]) == ("two\n", "one\n")
    assert [(each["lease"], each["became"]) for each in newest["attempts"]] == [(2, "held"), (1, "rejected")]
    assert api(browser, "notes", "output", "?lease=7").status_code == 404


def test_two_attempts_stand_beside_each_other(browser, by):
    by.answer_twice(
        "notes", "same\nhot!\n", "same\nplain\nmore\n", prompt="Write.", review="human", max_attempts=3
    )

    compared = api(browser, "notes", "compare").json
    text = Seen(browser.get("/task/compare/notes?old=1&new=2")).text

    lines = [(each["old"], each["new"], each["is_same"]) for each in compared["lines"]]
    assert lines == [("same", "same", True), ("hot!", "plain", False), (None, "more", False)]
    assert "Attempt 1 beside attempt 2" in text
    assert "skep diff --attempts 1 2 notes" in text
    assert api(browser, "notes", "compare", "?old=1&new=9").status_code == 404


def test_what_was_not_kept_is_told_beside_the_output_and_not_within_it(browser, by, home):
    claim = by.start("said", command="git log")
    sink = OutputSink(home.outputs, f"{claim.seq}-{claim.ref.lease}", 6)
    sink.write(b"[skep] and more\n")
    by.end(claim, sink, Verdict(decision="APPROVE", confidence=0.9), output_cut=10)

    piece = api(browser, "said", "output").json

    assert (piece["text"], piece["bytes"], piece["cut"]) == ("[skep]", 6, 10)
    assert api(browser, "said", "download").text == "[skep]"


def found(browser, wanted, **more):
    query = "&".join(f"{name}={quote(str(value))}" for name, value in {"find": wanted, **more}.items())
    answer = api(browser, "said", "output/find", f"?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json


def test_a_text_is_found_in_all_of_an_output_both_ways_also_across_the_end_of_a_piece(browser, by):
    across = PIECE_BYTES - 3
    data = b"x" * across + "NEEDLE größe".encode() + b"y" * (3 * PIECE_BYTES) + b"needle at the end\n"
    answered(by, "said", data, command="git log")
    last = len(data) - len(b"needle at the end\n")

    first = found(browser, "needle GRÖSSE".replace("SS", "ß"))
    after = found(browser, "needle", offset=PIECE_BYTES)
    before = found(browser, "needle", offset=after["at"], way="previous")

    assert (first["at"], first["bytes"]) == (0, len(data))
    assert after["at"] <= last < after["at"] + PIECE_BYTES
    assert before["at"] < PIECE_BYTES
    piece = api(browser, "said", "output", f"?offset={before['at']}&limit={PIECE_BYTES + OVERLAP}").json
    assert "NEEDLE größe" in piece["text"]
    assert [found(browser, "no such", way=way)["at"] for way in WAYS] == [None, None]


def test_a_secret_is_not_found_and_codes_of_a_terminal_only_where_they_are_asked_for(browser, by):
    answered(by, "said", f"key {SECRET}\nblu\x1b[31me\x1b[0m\n".encode(), command="git log")

    assert found(browser, SECRET[8:20])["at"] is None
    assert (found(browser, "blue")["at"], found(browser, "blue", codes="shown")["at"]) == (0, None)
    assert found(browser, "[31m", codes="shown")["at"] == 0
    for query in ("", "?find=", f"?find={'x' * 201}", "?find=x&way=up", "?find=x&more=1"):
        assert api(browser, "said", "output/find", query).status_code == 400


def test_a_search_whose_time_is_up_says_where_to_go_on(by, home):
    data = b"hay\n" * MOST_BYTES + b"needle\n"

    def opened():
        return Opened(io.BytesIO(data), len(data), False, 1, 1)

    places, at = [0], None
    while at is None and places[-1] is not None:
        told = find_in(opened(), "needle", places[-1], "next", for_s=0.0)
        at = told["at"]
        places.append(told["next"])

    assert places[1:-1] == [MOST_BYTES * number for number in range(1, 5)]
    assert at == MOST_BYTES * 4
    assert find_in(opened(), "hay", None, "previous", for_s=0.0)["at"] is not None


def test_no_letter_moves_what_stands_behind_it_or_hides_it_from_a_search(browser, by):
    letters = [chr(code) for code in range(sys.maxunicode + 1)]
    longer = [letter for letter in letters if len(letter.lower()) != 1]

    assert longer == ["\u0130"]
    assert [letter for letter in letters if len(folded(letter)) != 1] == []
    assert folded("".join(letters)) == "".join(folded(letter) for letter in letters)
    answered(by, "said", "one\nİ\nΔΓΣ ends, ΔΓΣΔ not\n".encode(), command="git log")
    for wanted in ("δγς", "ΔΓΣδ", "İ", "i\nδ", "ends"):
        assert found(browser, wanted)["at"] == 0
