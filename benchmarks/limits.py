"""Limits: the same work with nothing around it, which no program built on it can pass."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import httpx

from store import sql

TRUE = "/bin/true"


def subprocess_rate(count: int) -> float:
    """``/bin/true`` with its output captured, a process for each core: a second."""
    cores = os.cpu_count() or 1
    with ProcessPoolExecutor(cores, get_context("spawn")) as pool:
        list(pool.map(_run_commands, [1] * cores))
        began = time.monotonic()
        list(pool.map(_run_commands, [count // cores] * cores))
        return count // cores * cores / (time.monotonic() - began)


def _run_commands(count: int) -> None:
    for _ in range(count):
        subprocess.run([TRUE], capture_output=True, check=True)


def http_seconds(url: str, body: dict[str, Any], count: int, threads: int) -> float:
    """Seconds for `count` posts over kept-alive httpx connections, one a thread."""
    local = threading.local()
    clients: list[httpx.Client] = []

    def post(_: int) -> None:
        if not hasattr(local, "client"):
            local.client = httpx.Client(trust_env=False, timeout=60)
            clients.append(local.client)
        local.client.post(url, json=body).raise_for_status()

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(post, range(threads)))
        seconds = _timed(lambda: list(pool.map(post, range(count))))
    for client in clients:
        client.close()
    return seconds


def model_body() -> dict[str, Any]:
    """What a model is asked for, streamed as Skep does."""
    return {"model": "test-model", "stream": True, "messages": [{"role": "user", "content": "Say ok."}]}


def sqlite_claims_rate(path: Path, count: int, batch: int) -> float:
    """Claim and finish in a table of two columns, `batch` in each durable commit: a second."""
    with closing(_open(path)) as connection:
        connection.execute("CREATE TABLE job (id INTEGER PRIMARY KEY, state TEXT NOT NULL)")
        connection.execute("CREATE INDEX ready ON job (id) WHERE state = 'ready'")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO job VALUES (?, 'ready')", ((n,) for n in range(count)))
        connection.execute("COMMIT")
        return count / _timed(lambda: _work_off(connection, count, batch))


def _work_off(connection: sqlite3.Connection, count: int, batch: int) -> None:
    claim = (
        "UPDATE job SET state = 'running' WHERE id = "
        "(SELECT id FROM job WHERE state = 'ready' ORDER BY id LIMIT 1) RETURNING id"
    )
    for _ in range(count // batch):
        connection.execute("BEGIN IMMEDIATE")
        claimed = [connection.execute(claim).fetchone() for _ in range(batch)]
        connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("UPDATE job SET state = 'done' WHERE id = ?", claimed)
        connection.execute("COMMIT")


def parse_and_insert_seconds(data: bytes, path: Path) -> float:
    """Seconds to parse a queue file and put its tasks into a fresh table in one durable commit."""

    def take() -> None:
        tasks = json.loads(data)["tasks"]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO task VALUES (:id, :command)", tasks)
        connection.execute("COMMIT")

    with closing(_open(path)) as connection:
        connection.execute("CREATE TABLE task (id TEXT PRIMARY KEY, command TEXT NOT NULL)")
        return _timed(take)


def parse_and_enter_seconds(data: bytes, path: Path) -> float:
    """The same into the store's tables: each task with its document, event and mark, all of it unchecked."""

    def take() -> None:
        tasks = json.loads(data)["tasks"]
        rows = [(n, task["id"], task["priority"], json.dumps(task)) for n, task in enumerate(tasks, 1)]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO task (seq, id, priority, doc, state, lane, source, created) "
            "VALUES (?, ?, ?, ?, 'ready', 'local', 'bench', 0)",
            rows,
        )
        connection.executemany(
            "INSERT INTO event (ts, event, task_id, status, data) "
            "VALUES ('', 'task.queued', ?, 'queued', '{}')",
            ((task["id"],) for task in tasks),
        )
        connection.execute("INSERT INTO dirty SELECT seq FROM task")
        connection.execute("COMMIT")

    with closing(_open(path)) as connection:
        for _, script in sql.migrations():
            connection.executescript(script)
        return _timed(take)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def _timed(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began
