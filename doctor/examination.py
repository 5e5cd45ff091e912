"""Everything that is looked at, in order: the machine first, then the home."""

from __future__ import annotations

from collections.abc import Iterator

from config_files import own_home
from doctor import daemon, halts, home, identities, machine, model, records, review, safety, store, traces
from doctor.examined import Examined
from doctor.findings import Finding, fail, warn
from errors import InvalidSetting
from setting_sources import why_no_folder
from settings import Settings


def examine(examined: Examined) -> Iterator[Finding]:
    """Everything there is to find, in order, each as soon as it is found."""
    if (why := why_no_folder(examined.home)) is not None:
        told, _, way_out = why.rpartition("; ")
        yield fail("home", f"{told}.", f"{way_out[0].upper()}{way_out[1:]}")
        return
    settings = Settings()
    try:
        own_home.check_home(examined.home.root)
    except InvalidSetting as error:  # nothing there is looked at any further
        told, _, way_out = error.message.rpartition("; ")
        yield fail("home", f"{told}.", f"{way_out[0].upper()}{way_out[1:]}")
        return
    try:
        settings = examined.settings
    except InvalidSetting as error:
        yield fail(
            "settings", error.message, "Correct it; `skep init --config` writes a file with every setting."
        )
    yield from _machine(examined, settings)
    yield from safety.check_constitution(examined.home)
    if not store.is_there(examined.home):
        yield warn(
            "home",
            f"There is no Skep home here ({examined.home.root}).",
            "skep init, or name one with SKEP_HOME.",
        )
        return
    yield from _home(examined)


def _machine(examined: Examined, settings: Settings) -> Iterator[Finding]:
    yield from machine.check_python()
    yield from machine.check_locale()
    yield from machine.check_sqlite()
    yield from machine.check_disk(examined.home, settings)
    yield from machine.check_file_system(examined.home)
    yield from daemon.check_ports(examined.home, settings)
    yield from machine.check_clock()
    yield from machine.check_open_files(settings)
    yield from machine.check_sandbox(settings)
    yield from home.check_commands(examined.home, settings)
    yield from home.check_lists(examined.home)
    yield from review.check_git(settings)
    yield from identities.check_identities(examined.home, settings.default_identity)
    yield from home.check_tools(examined.home)
    yield from model.check_model(examined.home, settings)
    yield from machine.check_platform()


def _home(examined: Examined) -> Iterator[Finding]:
    yield from home.check_rights(examined.home)
    yield from home.check_strangers(examined.home)
    yield from home.check_workspace(examined.home)
    yield from daemon.check_daemon(examined.home)
    yield from halts.check_kill_switch(examined.home)
    is_sound = yield from store.check_damage(examined.home)
    try:
        if is_sound:
            yield from _store(examined)
        yield from home.check_queue_file(examined)
        yield from traces.check_traces(examined)
    except InvalidSetting:
        pass  # told as the first finding
    yield from records.check_log(examined.home) if is_sound else records.leave_unchecked()
    yield from home.check_leftovers(examined.home)


def _store(examined: Examined) -> Iterator[Finding]:
    """What only a database that can be worked with tells."""
    yield from daemon.check_processes(examined)
    yield from daemon.check_used_sandbox(examined)
    yield from store.check_content(examined)
    yield from halts.check_breaker(examined)
    yield from review.check_rollbacks(examined)
    yield from records.check_projection(examined)
    yield from records.check_audit(examined)
