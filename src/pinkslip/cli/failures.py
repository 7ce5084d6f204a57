"""How a command ends when it cannot do what was asked: one line that says why, and the exit code that fits."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

import click

from pinkslip.cli.exits import Exit
from pinkslip.cli.words import complain


class Failure(click.ClickException):
    """Ends the command with its own exit code."""

    exit_code = Exit.USAGE

    def __init__(self, message: str, *, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)

    def show(self, file: IO[Any] | None = None) -> None:
        """On standard error, led by our name."""
        complain(f"pinkslip: {self.message}")
        for detail in self.details:
            complain(f"  {detail}")


class Unusable(Failure):
    """The command, the settings or a file cannot be used as given."""


class Away(Failure):
    """The service or the database does not answer, or cannot serve now."""

    exit_code = Exit.AWAY


class Refused(Failure):
    """The service understood, and refused."""

    exit_code = Exit.REFUSED


@contextmanager
def refusals(*, of_files: bool = True) -> Iterator[None]:
    """Our own refusals end the command in one line; `of_files`: so do files that cannot be read or written."""
    from pinkslip.model.errors import NotFound, PinkslipError, Unavailable  # noqa: PLC0415 - only those who open files

    try:
        yield
    except Unavailable as error:
        raise Away(str(error)) from error
    except NotFound as error:
        raise Refused(str(error)) from error
    except PinkslipError as error:
        raise Unusable(str(error)) from error
    except OSError as error:
        if not of_files or isinstance(error, BrokenPipeError):
            raise
        where = f"{error.filename}: " if error.filename else ""
        raise Unusable(f"{where}{error.strerror or error}") from error
