"""Keeps a Stream connection for each set of credentials that wants one, as the apps say at this moment.

One event loop holds all connections; whatever touches the database runs in a few threads beside it. Any number of
processes may do this: an event that comes to two of them is applied once.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from django.db import Error, close_old_connections, connection

from invites import receiving
from invites.connecting import StreamAccount, stream_accounts
from invites.dingtalk.stream import StreamClient
from invites.models import App

# How soon an app that was added, changed or switched off is noticed, in seconds.
LOOK_EVERY = 2.0
# How often it is noted that a connection stands; see `invites.models.app.STREAM_FRESH`.
NOTE_EVERY = 10.0
_THREADS = 4

logger = logging.getLogger(__name__)


class Streams:
    """All connections of this process."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="events")
        self._apps: dict[StreamAccount, list[int]] = {}
        self._kept: dict[StreamAccount, tuple[StreamClient, asyncio.Task[None]]] = {}
        self._noted: tuple[float, frozenset[StreamAccount]] = (0.0, frozenset())

    async def keep(self, stopping: asyncio.Event) -> None:
        """Keeps them until ``stopping`` is set; what is being applied then is finished first."""
        try:
            while not stopping.is_set():
                await self._look()
                try:
                    await asyncio.wait_for(stopping.wait(), LOOK_EVERY)
                except TimeoutError:
                    continue
        finally:
            await self._end(list(self._kept))
            await asyncio.to_thread(self._close_pool)

    async def _look(self) -> None:
        """Opens what is wanted and not there, ends what is not wanted any more, and notes what stands."""
        try:
            self._apps = await self._in_thread(stream_accounts)
        except Error:
            logger.exception("The database did not answer; trying again")
            return
        await self._end(
            [
                account
                for account, (_client, task) in self._kept.items()
                if account not in self._apps or task.done()
            ]
        )
        for account in self._apps.keys() - self._kept.keys():
            client = StreamClient(
                base_url=account.base_url,
                client_id=account.client_id,
                secrets=account.secrets,
                reach=account.reach,
                take_in=partial(self._take_in, account),
            )
            self._kept[account] = (client, asyncio.create_task(client.start()))
        await self._note()

    async def _note(self) -> None:
        standing = frozenset(account for account, (client, _task) in self._kept.items() if client.stands)
        noted_at, before = self._noted
        if not standing or (standing <= before and time.monotonic() < noted_at + NOTE_EVERY):
            return
        keys = [pk for account in standing for pk in self._apps.get(account, [])]
        try:
            await self._in_thread(partial(App.objects.note_stream, keys))
        except Error:
            logger.exception("The database did not answer; trying again")
            return
        self._noted = (time.monotonic(), standing)

    async def _take_in(self, account: StreamAccount, frame: object) -> bool:
        """Applies an event; False where it is to be sent again."""
        apps = self._apps.get(account)
        if not apps:
            # The connection is about to end, since its app has other credentials by now: the next one takes it.
            return False
        try:
            await self._in_thread(partial(receiving.receive_frame, apps, frame))
        except Exception:
            # The last net: a mistake of ours in one event must not end the connection, and it comes again.
            logger.exception("An event could not be applied; DingTalk will send it again")
            return False
        return True

    async def _end(self, accounts: list[StreamAccount]) -> None:
        for account in accounts:
            _client, task = self._kept.pop(account)
            task.cancel()
            (error,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(error, Exception):
                # A mistake of ours: it is opened anew at the next look.
                logger.error("A Stream connection ended by itself", exc_info=error)

    async def _in_thread[Result](self, act: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._pool, _with_database, act)

    def _close_pool(self) -> None:
        """Closes the connections to the database, one in each thread."""
        together = threading.Barrier(_THREADS)

        def close() -> None:
            together.wait()
            connection.close()

        for _ in range(_THREADS):
            self._pool.submit(close)
        self._pool.shutdown()


def _with_database[Result](act: Callable[[], Result]) -> Result:
    close_old_connections()
    try:
        return act()
    except Error:
        connection.close()
        raise
