"""Counting from outside what a daemon really did: calls a model server saw, files that commands opened."""

from __future__ import annotations

import collections
import json
import subprocess
import sys
from pathlib import Path

from watchdog.events import FileOpenedEvent, FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer

from testing.running_daemon import REPOSITORY


class ModelWitness:
    """A model server in a process of its own that writes down every call before it answers."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.log = folder / "calls.jsonl"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "testing.model_server", "--port", "0", "--log", str(self.log), *flags],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()

    def calls(self) -> list[dict]:
        """Every call, in the order they came."""
        text = self.log.read_text("utf-8") if self.log.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    def times_of(self, word: str) -> list[float]:
        """When prompts with a word came, Unix seconds."""
        return [call["at"] for call in self.calls() if word in json.dumps(call["prompt"])]

    def close(self) -> None:
        """End the server."""
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


class FileWitness(FileSystemEventHandler):
    """Sees which files of a folder are opened, and how often (inotify(7) IN_OPEN)."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.opened: collections.Counter[str] = collections.Counter()
        self._observer = Observer()
        self._observer.schedule(self, str(folder), event_filter=[FileOpenedEvent])
        self._observer.start()

    def on_opened(self, event: FileSystemEvent) -> None:
        if not event.is_directory:
            self.opened[Path(str(event.src_path)).name] += 1

    def close(self) -> None:
        self._observer.stop()
        self._observer.join()
