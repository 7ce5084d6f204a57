"""What an error of the database means: the database is away, an id is taken, or a row is bad."""

import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError

from pinkslip.model.errors import PinkslipError
from pinkslip.store.engine import first_line

_AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)
_TAKEN = (sqlite3.IntegrityError, psycopg.IntegrityError)
_SQLITE_FAULTS = (
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    sqlite3.NotSupportedError,
)
_SQLITE_MISTAKES = ("no such ", "syntax error", "has no column")


def driver_error(error: BaseException) -> BaseException:
    """What the driver raised, without SQLAlchemy's wrapping."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        return error.orig
    return error


def is_away(error: BaseException) -> bool:
    """Whether the fault is the database's, not the rows': gone, locked, full, failing, refusing to write."""
    cause = driver_error(error)
    if isinstance(cause, _AWAY):
        return True
    if not isinstance(cause, sqlite3.DatabaseError) or isinstance(cause, _SQLITE_FAULTS):
        return False
    return not any(mistake in str(cause) for mistake in _SQLITE_MISTAKES)


def is_taken(error: BaseException) -> bool:
    """Whether a key is there already (or another constraint does not hold)."""
    return isinstance(driver_error(error), _TAKEN)


def is_data(error: BaseException) -> bool:
    """Whether a value is at fault: too long, too large, of no encoding. Anything else is a mistake of ours."""
    cause = driver_error(error)
    return isinstance(
        cause,
        sqlite3.DataError | psycopg.DataError | ValueError | OverflowError | PinkslipError,
    ) or is_taken(cause)


def spoken(error: BaseException) -> str:
    """What went wrong, in one line, without statements or parameters."""
    if isinstance(error, DBAPIError):
        return first_line(error)
    return str(error).strip().partition("\n")[0] or type(error).__name__
