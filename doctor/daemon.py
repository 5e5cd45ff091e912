"""What `skep doctor` looks at of a daemon: whether it runs whole, and whether its ports are its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import host_platform
from doctor.examined import Examined
from doctor.findings import Finding, fail, ok, warn
from errors import InvalidSetting, SkepError
from execution import markers
from localhost import listening, port_file
from settings import Home, Settings
from store import processes
from store.reading import LOCAL_STATUS
from supervisor.daemon_state import look

_LAST_PORT: Final = 65_535


def check_ports(home: Home, settings: Settings) -> Iterator[Finding]:
    """Whether the ports are free on both loopback addresses, or ours; and whether the socket can be made."""
    try:
        port_file.check_apart(settings.swarm_port, settings.panel_port)
    except InvalidSetting as error:
        told, _, way_out = error.message.partition("; ")
        yield fail("ports", f"{told}.", f"{way_out[0].upper()}{way_out[1:]}.")
    for name, port in ((port_file.SWARM, settings.swarm_port), (port_file.PANEL, settings.panel_port)):
        yield _port_of(home, name, port)
    if settings.swarm_socket:
        yield _socket_of(home)


def _port_of(home: Home, name: str, port: int) -> Finding:
    """A port that answers is ours only where the process of this home that has bound it says so."""
    check, holder = f"port {port}", port_file.holder(home, name)
    if port == 0:
        return ok(check, f"{name} is 0: a free port is taken at each start.")
    if holder is not None and holder.port == port:
        return ok(check, f"127.0.0.1:{port} ({name}) is held by this home's daemon.")
    if _is_free(port):
        return ok(check, f"127.0.0.1:{port} ({name}) is free.")
    setting = f"{name} = {_another(port)} in skep.toml, or SKEP_{name.upper()}={_another(port)}"
    return fail(
        check, f"127.0.0.1:{port} ({name}) is in use by another program, perhaps another home's daemon.",
        f"Stop it, or choose another port and start `skep up` again: {setting}",
    )  # fmt: skip


def _another(port: int) -> int:
    return port + 100 if port + 100 <= _LAST_PORT else port - 100


def _is_free(port: int) -> bool:
    try:
        bound = listening.bind_port(port, "port")
    except listening.PortTaken:
        return False
    for each in bound:
        each.close()
    return True


def _socket_of(home: Home) -> Finding:
    try:
        listening.check_length(home.cycle_socket)
    except listening.SocketUnusable as error:
        return fail("socket", error.message, "Set swarm_socket = false, or move the home.")
    return ok("socket", f"{home.cycle_socket} can be a socket.")


def check_used_sandbox(examined: Examined) -> Iterator[Finding]:
    """Which sandbox the daemon that runs has found for itself: its settings may be others than ours."""
    if not look(examined.home).supervisor:
        return
    with examined.reader() as reader:
        found = reader.fact(LOCAL_STATUS)
    if found is not None:
        level, reason = found.get("level") or "none", found.get("reason")
        told = f"the daemon that runs uses {level}: {reason}"
        if level == "off":
            way_out = 'Take sandbox = "off" out of its settings, and start it again.'
            yield fail("daemon sandbox", told, way_out)
        else:
            yield (ok if level == "bubblewrap" else warn)("daemon sandbox", told)


def check_processes(examined: Examined) -> Iterator[Finding]:
    """Whether everything is up that `skep up` keeps up; a store that cannot say is told of elsewhere."""
    if not look(examined.home).supervisor:
        return
    try:
        with examined.reader() as reader:
            troubles = processes.troubles(reader.fact(processes.PROCESSES))
    except SkepError:
        return
    for sentence in troubles.values():
        yield fail("daemon", sentence, "`skep up` goes on trying, and its output says more.")


def check_daemon(home: Home) -> Iterator[Finding]:
    """Whether a daemon runs, and whether a dead one left anything behind."""
    daemon = look(home)
    if daemon.is_running:
        yield ok(
            "daemon", "A daemon runs." if daemon.supervisor else "A worker runs by itself, without `skep up`."
        )
        return
    yield ok("daemon", "No daemon runs; `skep up` starts it.")
    strays = list(_strays(home))
    if strays:
        pids = " ".join(map(str, strays))
        yield warn("strays", f"Commands of a daemon that is gone still run: {pids}.", "`skep up` ends them.")


def _strays(home: Home) -> Iterator[int]:
    """Processes that carry the mark of this home (see `execution.markers`)."""
    mark = f":{markers.home_mark(home)}:"
    for pid, variable in host_platform.processes_with_environment(f"{markers.VARIABLE}="):
        if mark in variable and host_platform.process_start(pid) != -1:
            yield pid
