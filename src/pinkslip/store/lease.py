"""Who may decide: one row with an epoch, and on SQLite a lock file beside the database.

1. Whoever acquires raises the epoch by one.
2. Every transaction of the journal begins with `fence`: holder and epoch are still ours and, on PostgreSQL,
   the lease has not run out by the server's clock. The shared row lock keeps the next acquirer waiting until
   the transaction has ended.
3. Renewal extends a lease that is still ours. One that ran out unnoticed by anybody takes a new epoch.
4. By our own monotonic clock we stop leading at 0.7 of the time to live.

On SQLite the lock file decides: whoever holds its lock knows that the former holder is dead, however young
the row is.
"""

import fcntl
import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from pinkslip.model.errors import Unavailable
from pinkslip.model.ports import Clock
from pinkslip.store.engine import Database

NAME = "decide"
TTL_MS = 10_000
TRUSTED_SHARE = 0.7

_SERVER_NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

_ACQUIRE = (
    "INSERT INTO leases (name, holder, epoch, expires_at) VALUES (:name, :holder, 1, {now} + :ttl)"
    " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = leases.epoch + 1,"
    " expires_at = excluded.expires_at {condition} RETURNING epoch"
)
_RENEW = (
    "UPDATE leases SET expires_at = {now} + :ttl,"
    " epoch = CASE WHEN expires_at > {now} THEN epoch ELSE epoch + 1 END"
    " WHERE name = :name AND holder = :holder AND epoch = :epoch RETURNING epoch"
)
_RELEASE = "UPDATE leases SET expires_at = 0 WHERE name = :name AND holder = :holder AND epoch = :epoch"
_FENCE_SQLITE = "SELECT 1 FROM leases WHERE name = ? AND holder = ? AND epoch = ?"
# one round trip: fence the transaction, bound it below the time to live, insist on a durable commit, and
# learn the number by which its fate can be asked for should the answer to COMMIT be lost
_FENCE_POSTGRESQL = """
    SELECT pg_current_xact_id()::text,
        set_config('statement_timeout', %s, true),
        set_config('idle_in_transaction_session_timeout', %s, true),
        CASE current_setting('synchronous_commit')
            WHEN 'off' THEN set_config('synchronous_commit', 'on', true) END
    FROM leases WHERE name = %s AND holder = %s AND epoch = %s
        AND expires_at > (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    FOR SHARE
"""


class HeldElsewhere(Unavailable):
    """Another process may decide, and we may not."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"{holder} serves this database", retry_after_s=3)
        self.holder = holder


class Lease:
    """Our claim to decide. Used by one thread; `leads` may be read by any."""

    def __init__(
        self, database: Database, *, clock: Clock, holder: str, ttl_ms: int = TTL_MS
    ) -> None:
        self.holder = holder
        self.epoch = 0
        self._clock = clock
        self._ttl_ms = ttl_ms
        self._is_sqlite = database.dialect == "sqlite"
        self._lock = LockFile(lock_path(database.path)) if database.path else None
        self._trusted_until = 0
        bound = str(max(1, int(ttl_ms * TRUSTED_SHARE)))
        self._bounds = (bound, bound)

    @property
    def leads(self) -> bool:
        """Whether we may still act on the last renewal, by our own stopwatch."""
        return self._clock.monotonic_ms() < self._trusted_until

    def acquire(self, connection: Connection) -> None:
        """Take the lease, or raise `HeldElsewhere`. Its own transaction."""
        if self._lock is not None and not self._lock.take(self.holder):
            raise HeldElsewhere(self._lock.holder() or "another process")
        asked_at = self._clock.monotonic_ms()
        condition = "" if self._is_sqlite else f"WHERE leases.expires_at <= {_SERVER_NOW}"
        with connection.begin():
            epoch = self._run(connection, _ACQUIRE, condition=condition)
        if epoch is None:
            raise HeldElsewhere(current_holder(connection) or "another process")
        self._hold(epoch, asked_at)

    def renew(self, connection: Connection) -> None:
        """Extend the lease; `HeldElsewhere` when somebody took it. Its own transaction."""
        asked_at = self._clock.monotonic_ms()
        with connection.begin():
            epoch = self._run(connection, _RENEW, epoch=self.epoch)
        if epoch is None:
            self._trusted_until = 0
            raise HeldElsewhere(current_holder(connection) or "another process")
        self._hold(epoch, asked_at)

    def fence(self, driver: Any) -> str | None:
        """First in every transaction, on the driver's connection. None: the lease is not ours now.

        Otherwise the transaction's number on PostgreSQL, an empty text on SQLite.
        """
        ours = (NAME, self.holder, self.epoch)
        if self._is_sqlite:
            return "" if driver.execute(_FENCE_SQLITE, ours).fetchone() else None
        row = driver.execute(_FENCE_POSTGRESQL, (*self._bounds, *ours)).fetchone()
        return None if row is None else str(row[0])

    def release(self, connection: Connection) -> None:
        """Let the next one in at once."""
        self._trusted_until = 0
        with connection.begin():
            connection.execute(
                text(_RELEASE), {"name": NAME, "holder": self.holder, "epoch": self.epoch}
            )

    def unlock(self) -> None:
        """Give up the lock file, after the last write."""
        self._trusted_until = 0
        if self._lock is not None:
            self._lock.release()

    def _run(
        self, connection: Connection, statement: str, *, condition: str = "", epoch: int = 0
    ) -> int | None:
        now = ":now" if self._is_sqlite else _SERVER_NOW
        values: dict[str, object] = {"name": NAME, "holder": self.holder, "ttl": self._ttl_ms}
        if self._is_sqlite:
            values["now"] = self._clock.wall_ms()
        if epoch:
            values["epoch"] = epoch
        rows = connection.execute(text(statement.format(now=now, condition=condition)), values)
        epoch_now: int | None = rows.scalar_one_or_none()
        return epoch_now

    def _hold(self, epoch: int, asked_at: int) -> None:
        self.epoch = epoch
        self._trusted_until = asked_at + int(self._ttl_ms * TRUSTED_SHARE)


def current_holder(connection: Connection) -> str | None:
    """Who held the lease last, for people. Its own transaction."""
    with connection.begin():
        holder: str | None = connection.execute(
            text("SELECT holder FROM leases WHERE name = :name"), {"name": NAME}
        ).scalar_one_or_none()
    return holder


def lock_path(database: Path) -> Path:
    """The lock file of a SQLite database."""
    return database.with_name(f"{database.name}-lock")


class LockFile:
    """An advisory lock that the kernel drops when its holder dies, however it dies."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def take(self, holder: str) -> bool:
        """Whether the lock is ours now. The file names the holder and is never removed."""
        if self._file is not None:
            return True
        file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except OSError:
            os.close(file)
            raise
        os.ftruncate(file, 0)
        os.pwrite(file, holder.encode(), 0)
        self._file = file
        return True

    def holder(self) -> str | None:
        """Who wrote its name there last."""
        try:
            return self.path.read_text(encoding="utf-8").strip() or None
        except FileNotFoundError:
            return None

    def release(self) -> None:
        """Let go; the kernel does the same for the dead."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None
