"""An append-only file of JSON lines: what was received, what was answered, what changed.

Every line is flushed before `append` returns, so that what a client was answered can never be missing from the file.
"""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

OWNER_ONLY = 0o600


class Journal:
    """The file, opened at the first line and again after `close`. Without a path nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: TextIO | None = None
        self._lock = threading.Lock()

    def append(self, record: Mapping[str, object]) -> None:
        """Write one line and hand it to the operating system. Raises OSError if the disk refuses."""
        if self._path is None:
            return
        line = json.dumps(record, separators=(",", ":")) + "\n"
        with self._lock:
            if self._file is None:
                self._file = self._open(self._path)
            self._file.write(line)
            self._file.flush()

    def records(self) -> Iterator[Mapping[str, object]]:
        """The lines written so far, oldest first. A line cut short by a crash is passed over."""
        if self._path is None or not self._path.exists():
            return
        with self._path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if isinstance(record, dict):
                    yield record

    def close(self) -> None:
        """Close the file; the next `append` opens it again."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    @staticmethod
    def _open(path: Path) -> TextIO:
        path.parent.mkdir(parents=True, exist_ok=True)
        torn = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
        # The file names people and phone numbers: others on the machine have no business in it.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, OWNER_ONLY)
        file = os.fdopen(descriptor, "a", encoding="utf-8")
        if torn:
            file.write("\n")
        return file
