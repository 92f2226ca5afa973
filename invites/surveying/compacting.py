"""Adds up the counts of days that are over.

Each connection of PostgreSQL counts in rows of its own, its shard, so that no sender waits for another. Once a day is
over, its rows that differ in nothing else become one, shard 0. An attempt that ends later than that counts in a new row
of its shard, which is added up in turn.
"""

from django.db import connection

from invites import clock

PIECE = 5000
"""Rows added up in one round, of each kind."""

# What is deleted comes back as it was at that moment, whoever counted meanwhile; rows that somebody is just counting in
# are left for the next round.
_ADD_UP = """
    WITH gone AS (
        DELETE FROM {table} WHERE id IN (
            SELECT id FROM {table} WHERE shard > 0 AND day < %(today)s LIMIT %(piece)s FOR UPDATE SKIP LOCKED
        ) RETURNING *
    ), slowest AS (
        SELECT *, {rank} AS place FROM gone
    )
    INSERT INTO {table} ({key}, shard, {columns})
    SELECT {key}, 0, {sums} FROM slowest GROUP BY {key} ORDER BY {key}
    ON CONFLICT ({key}, shard) DO UPDATE SET {added}
"""
_SLOWER = """
    CASE WHEN excluded.slowest_ms > {table}.slowest_ms THEN excluded.slowest_attempt
    ELSE {table}.slowest_attempt END
"""
_LATENCY = ("ms_sum", "ms_100", "ms_250", "ms_500", "ms_1000", "ms_2500", "ms_5000", "ms_10000", "ms_more")
_TABLES = (
    ("invites_appcount", ("day", "app_id", "state", "error_code"), ("attempts", "people", *_LATENCY), True),
    (
        "invites_conferencecount",
        ("conference_id", "day", "state", "error_code"),
        ("attempts", "people"),
        True,
    ),
    ("invites_dayturnout", ("day",), ("invitations", "observed", "joined"), False),
)


def compact() -> None:
    """Takes one piece of each kind, in a statement that is a transaction of its own. SQLite has nothing to add up."""
    if connection.vendor != "postgresql":
        return
    for table, key, counts, tells_slowest in _TABLES:
        with connection.cursor() as cursor:
            cursor.execute(
                _statement(table, key, counts, tells_slowest=tells_slowest),
                {"today": clock.today(), "piece": PIECE},
            )


def _statement(table: str, key: tuple[str, ...], counts: tuple[str, ...], *, tells_slowest: bool) -> str:
    columns, sums = list(counts), [f"SUM({column})" for column in counts]
    added = [f"{column} = {table}.{column} + excluded.{column}" for column in counts]
    keys = ", ".join(key)
    if tells_slowest:
        columns += ["slowest_ms", "slowest_attempt"]
        sums += ["MAX(slowest_ms)", "MAX(slowest_attempt) FILTER (WHERE place = 1)"]
        added += [
            f"slowest_ms = GREATEST({table}.slowest_ms, excluded.slowest_ms)",
            f"slowest_attempt = {_SLOWER.format(table=table)}",
        ]
    rank = f"ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY slowest_ms DESC)" if tells_slowest else "1"
    return _ADD_UP.format(
        table=table,
        rank=rank,
        key=keys,
        columns=", ".join(columns),
        sums=", ".join(sums),
        added=", ".join(added),
    )
