from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

import host_platform
from errors import DaemonUnreachable, NotAllowed, NotAuthenticated
from localhost import port_file
from panel import login
from panel.login import CODE_LIFE_S, CodeBox, LoginGuard, LoginRest, mint_login_link
from store import private_files


@pytest.fixture
def codes(home, clock):
    return CodeBox(home, clock)


@pytest.fixture
def guard(codes, clock):
    return LoginGuard(codes, clock)


def test_a_link_carries_the_code_in_its_fragment(home, codes, clock):
    link = mint_login_link(home, 8421, clock)

    found = re.fullmatch(r"http://127\.0\.0\.1:8421/#code=([\w-]{43})", link)
    assert found is not None
    assert codes.consume(found[1])


def test_a_code_is_never_written_down(home, codes):
    code = codes.mint()

    (file,) = login.codes_directory(home).iterdir()
    assert code not in file.name + file.read_text()


def test_codes_lie_where_only_their_owner_looks(home, codes):
    codes.mint()

    directory = login.codes_directory(home)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in directory.iterdir()] == [0o600]


def test_a_code_works_once(codes):
    code = codes.mint()

    assert codes.consume(code)
    assert not codes.consume(code)


def test_of_many_who_bring_the_same_code_one_is_let_in(codes):
    code = codes.mint()

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(codes.consume, [code] * 64)) == 1


def test_a_code_works_for_five_minutes(codes, clock):
    early, late = codes.mint(), codes.mint()

    clock.advance(CODE_LIFE_S - 1)
    assert codes.consume(early)
    clock.advance(2)
    assert not codes.consume(late)


def test_a_clock_set_back_makes_no_code_live_longer(codes, clock):
    code = codes.mint()
    clock.jump(-3600)

    assert not codes.consume(code)


def test_expired_codes_are_removed_when_a_new_one_is_made(home, codes, clock):
    codes.mint()
    clock.advance(CODE_LIFE_S + 1)
    codes.mint()

    assert len(list(login.codes_directory(home).iterdir())) == 1


@pytest.mark.parametrize("spoil", ["readable", "symlink", "fifo", "words"])
def test_a_file_that_somebody_else_could_have_made_is_no_code(home, codes, tmp_path, spoil):
    code = codes.mint()
    (file,) = login.codes_directory(home).iterdir()
    good = file.read_text()
    if spoil == "readable":
        file.chmod(0o644)
    elif spoil == "words":
        file.write_text("for ever")
    else:
        file.unlink()
        if spoil == "fifo":
            os.mkfifo(file, 0o600)
        else:
            (tmp_path / "elsewhere").write_text(good)
            (tmp_path / "elsewhere").chmod(0o600)
            file.symlink_to(tmp_path / "elsewhere")

    assert not codes.consume(code)


def test_a_directory_that_others_can_enter_gets_no_codes(home, codes):
    codes.mint()
    login.codes_directory(home).chmod(0o755)

    with pytest.raises(NotAllowed, match="not a private directory"):
        codes.mint()


def test_five_failures_begin_a_rest_for_wrong_codes(guard, clock):
    for _ in range(5):
        with pytest.raises(NotAuthenticated, match="used before"):
            guard.admit("guess")

    with pytest.raises(LoginRest) as refused:
        guard.admit("guess")
    assert refused.value.details["retry_after_s"] == pytest.approx(login.FIRST_REST_S)
    assert refused.value.http_status == 429
    clock.advance(login.FIRST_REST_S + 1)
    with pytest.raises(NotAuthenticated, match="used before"):
        guard.admit("guess")


def test_nobody_keeps_the_bearer_of_a_good_code_out_by_wrong_ones(codes, guard):
    made_before = codes.mint()
    for _ in range(50):
        with pytest.raises(NotAuthenticated):
            guard.admit("guess")

    guard.admit(made_before)
    for _ in range(50):
        with pytest.raises(NotAuthenticated):
            guard.admit("guess")
    guard.admit(codes.mint())


def test_a_code_that_was_used_or_is_too_old_is_no_good_in_a_rest_either(codes, guard, clock):
    used, old = codes.mint(), codes.mint()
    guard.admit(used)
    clock.advance(CODE_LIFE_S + 1)
    for _ in range(5):
        with pytest.raises(NotAuthenticated):
            guard.admit("guess")

    for code in (used, old):
        with pytest.raises(LoginRest):
            guard.admit(code)


def test_each_rest_is_longer_until_somebody_gets_in(codes, guard, clock):
    def rest():
        for _ in range(5):
            with pytest.raises(NotAuthenticated):
                guard.admit("guess")
        with pytest.raises(LoginRest) as refused:
            guard.admit("guess")
        length = refused.value.details["retry_after_s"]
        clock.advance(length + 0.1)
        return length

    rests = [rest() for _ in range(7)]
    assert rests == pytest.approx([10, 20, 40, 80, 160, 300, 300])
    guard.admit(codes.mint())
    assert rest() == pytest.approx(10)


@pytest.mark.parametrize("guess", ["", "../state.db", "x" * 10_000, "\ud800", "\x00", "é"])
def test_no_odd_text_is_a_code(guard, guess):
    with pytest.raises(NotAuthenticated):
        guard.admit(guess)


def test_a_link_leads_to_the_port_that_the_running_panel_holds_and_to_no_other(home, codes):
    codes.mint()
    with pytest.raises(DaemonUnreachable, match="skep up"):
        login.held_port(home)
    login.open_door(home, 4711)

    assert login.held_port(home) == 4711
    login.close_door(home)
    with pytest.raises(DaemonUnreachable):
        login.held_port(home)


def test_the_word_of_a_panel_that_is_gone_counts_for_nothing(home, codes):
    codes.mint()
    login.open_door(home, 4711)
    path = home.state / port_file.PANEL
    ours = path.read_text()
    gone = str(replace(host_platform.this_process(), start=1))
    for word in (f"4711 {gone}", "4711", "", f"x {ours}", ours.replace(" ", "  ")):
        path.write_text(word)
        with pytest.raises(DaemonUnreachable):
            login.held_port(home)

    path.write_text(ours)
    assert login.held_port(home) == 4711
    path.chmod(0o644)  # another could have read it, and where its directory let them, written it
    with pytest.raises(DaemonUnreachable):
        login.held_port(home)


def test_a_panel_that_goes_leaves_the_word_of_another_alone(home, codes):
    codes.mint()
    other = host_platform.ProcessId(host_platform.boot_id(), 1, host_platform.process_start(1))
    private_files.write(home.state / port_file.PANEL, f"4711 {other}")
    login.close_door(home)

    assert login.held_port(home) == 4711


def test_no_code_outlives_the_panel_it_was_made_for(home, codes, guard):
    shown_to_a_stranger = codes.mint()
    login.open_door(home, 4711)

    with pytest.raises(NotAuthenticated):
        guard.admit(shown_to_a_stranger)
    guard.admit(codes.mint())
