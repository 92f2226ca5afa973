"""`make kill`: kills workers, web servers and PostgreSQL at random moments while people send, then compares what the
sandbox received with the database, person by person. Exits with 1 where anybody is lost or was called twice.

A run has a database and a sandbox of its own. Its seed repeats who dies in which order; what exactly that interrupts is
up to the machine.
"""

import os
import random
import sqlite3
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

import django
from django.core.management import call_command

from invites.dingtalk.sandbox import SandboxServer
from tests.services.postgres import PostgresServer

if TYPE_CHECKING:
    from tests.kills.judging import Verdict
    from tests.kills.playing import Played

SEEDS = 1_000_000
SQLITE = "sqlite:///"


def main(arguments: list[str]) -> int:
    """Plays, judges and reports; returns the exit status."""
    options = _options(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="invites-kills-")))
        # A commit that was answered must survive the death of the server. That of the machine is not played.
        postgres = None if options.sqlite else stack.enter_context(PostgresServer(synchronous_commit="on"))
        journal = folder / "sandbox.jsonl"
        sandbox = stack.enter_context(
            SandboxServer(journal=journal, latency_ms=options.latency, pace=0.01, demo=False)
        )
        _set_up(options, folder, postgres, sandbox)
        # They need the settings, which need the servers.
        from tests.kills.judging import judge  # noqa: PLC0415
        from tests.kills.playing import Kind, Plan, play  # noqa: PLC0415

        plan = Plan(
            kills=options.kills,
            seed=options.seed,
            pause=options.pause,
            away=options.away,
            only=Kind.DATABASE if options.only_database else None,
            is_weather_fair=options.fair,
        )
        print(f"seed {plan.seed}", flush=True)
        played = play(plan, sandbox=sandbox, postgres=postgres, log=options.log)
        verdict = judge(journal, latency=options.latency / 1000, away=played.away)
        verdict.doubled += played.mistakes
        if verdict.cut_off > (most := plan.most_cut_off(played.kills)):
            verdict.lost.append(f"{verdict.cut_off} calls were given up; {most} can have been under way")
    _report(played, verdict)
    return 1 if verdict.lost or verdict.doubled else 0


def _set_up(
    options: Namespace, folder: Path, postgres: PostgresServer | None, sandbox: SandboxServer
) -> None:
    """Makes the tables, and lets this process and all that it starts find what they share."""
    database = folder / "db.sqlite3"
    (folder / "static").mkdir()
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "tests.services.hurried",
        "ENV_FILE": "",
        "SECRET_KEY": "only-for-tests-only-for-tests-only-for-tests",
        "DATA_DIR": str(folder),
        "DATABASE_URL": postgres.url if postgres else f"{SQLITE}{database}",
        "DINGTALK_SANDBOX_URL": sandbox.base_url,
        "GRACE_SECONDS": str(options.grace),
        "LOG_LEVEL": "WARNING",
    }
    django.setup()
    match options.tables_of, postgres:
        case "", _:
            call_command("migrate", verbosity=0)
        case url, None:
            with (
                closing(sqlite3.connect(url.removeprefix(SQLITE))) as source,
                closing(sqlite3.connect(database)) as copy,
            ):
                source.backup(copy)
        case url, PostgresServer():
            postgres.copy(url)


def _report(played: "Played", verdict: "Verdict") -> None:
    kills = played.kills.total()
    kinds = ", ".join(f"{times} {kind}" for kind, times in played.kills.most_common())
    lines = [
        f"killed {kills}: {kinds}",
        f"in {played.seconds / 60:.1f} minutes, {kills / played.seconds:.2f} a second",
        f"at rest {played.rested_after:.1f} seconds after the last press",
        f"{verdict.invitations} invitations of {verdict.people} people by {played.presses} presses",
        f"{verdict.posts} posts; {verdict.cut_off} calls cut off by kills, {verdict.unanswered} without a clear answer",
        f"{verdict.answered_meanwhile} answers came while the database was away",
        f"lost {len(verdict.lost)}, doubled {len(verdict.doubled)}, unknown {verdict.unknown}",
        *(f"lost: {sentence}" for sentence in verdict.lost),
        *(f"doubled: {sentence}" for sentence in verdict.doubled),
    ]
    print(*lines, sep="\n")


def _options(arguments: list[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=random.randrange(SEEDS), help="that of an earlier run")
    parser.add_argument(
        "--sqlite", action="store_true", help="on SQLite, held locked where PostgreSQL would be killed"
    )
    parser.add_argument("--pause", type=float, default=0.6, help="mean seconds between two blows")
    parser.add_argument(
        "--away", type=float, default=0.3, help="seconds that a killed database server is not there"
    )
    parser.add_argument("--latency", type=float, default=200.0, help="of DingTalk, in milliseconds")
    parser.add_argument("--only-database", action="store_true", help="kill nothing else")
    parser.add_argument("--fair", action="store_true", help="without faults of DingTalk")
    parser.add_argument("--grace", type=float, default=1.0, help="seconds that an outcome may be late")
    parser.add_argument("--tables-of", default="", metavar="URL", help="an empty database to copy")
    parser.add_argument("--log", default=os.devnull, help="where the processes write to")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
