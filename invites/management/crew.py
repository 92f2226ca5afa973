"""The threads of a worker process that run tasks: each may have one call to DingTalk in flight, and one reads lists.

The engine's own worker runs the tasks; here is only when its threads work and when they sleep.
"""

import logging
import threading
import time
from types import TracebackType
from typing import Self

from django.db import Error, close_old_connections, connection
from django.tasks import DEFAULT_TASK_BACKEND_ALIAS
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from invites import bell, tasks

logger = logging.getLogger(__name__)


class Crew:
    """``size`` threads, and one for lists, that work off what is due whenever they are woken, until the `with` block
    ends.

    At its end each finishes the task that it is at.
    """

    def __init__(self, *, name: str, size: int) -> None:
        self._lists = _engine(f"{name}-lists", for_lists=True)
        self._engines = [*(_engine(f"{name}-{number}") for number in range(size)), self._lists]
        self._wakings = 0
        self._woken = threading.Condition()
        self._stopping = threading.Event()
        # Daemons, so that being told to stop a second time ends the process at once.
        self._threads = [
            threading.Thread(target=self._run, args=[engine], name=engine.worker_id, daemon=True)
            for engine in self._engines
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for thread in self._threads:
            thread.join()

    @property
    def is_stopping(self) -> bool:
        """Whether it has been told to stop."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Takes up nothing new. May be called from a signal handler, and more than once."""
        self._stopping.set()
        for engine in self._engines:
            engine.running = False

    def look(self) -> None:
        """Wakes the threads if any task is due. Idle ones cost one look together, not one each."""
        close_old_connections()
        try:
            due = DBTaskResult.objects.ready().filter(backend_name=DEFAULT_TASK_BACKEND_ALIAS)
            if self._lists.running_task:
                # Lists wait for that thread, which goes on with them by itself: no other could take them up.
                due = due.exclude(queue_name=tasks.LISTS)
            is_any = due.exists()
        except Error:
            logger.exception("The database did not answer; trying again")
            connection.close()
            return
        if is_any:
            with self._woken:
                self._wakings += 1
                self._woken.notify_all()

    def _run(self, engine: Worker) -> None:
        seen = 0
        while not self.is_stopping:
            with self._woken:
                # Not where it was woken while it was at work: then it looks once more.
                if self._wakings == seen:
                    self._woken.wait(timeout=bell.LISTENING)
                if self._wakings == seen:
                    continue
                seen = self._wakings
            _work_off(engine)
        connection.close()


def _engine(name: str, *, for_lists: bool = False) -> Worker:
    return Worker(
        queue_names=[tasks.LISTS] if for_lists else ["*"],
        excluded_queue_names=[] if for_lists else [tasks.LISTS],
        interval=0,
        batch=True,
        backend_name=DEFAULT_TASK_BACKEND_ALIAS,
        startup_delay=False,
        max_tasks=None,
        worker_id=name,
    )


def _work_off(engine: Worker) -> None:
    """Runs every task that is due. A database that is away ends the round, not the worker."""
    try:
        engine.run()
    except Error:
        logger.exception("The database did not answer; trying again")
        connection.close()
        time.sleep(bell.LISTENING)
