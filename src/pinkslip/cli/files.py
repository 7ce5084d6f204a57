"""What the commands that open files themselves share: the settings, and databases that must be there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pinkslip.cli.failures import Unusable
from pinkslip.settings import Settings, read_settings
from pinkslip.store.engine import Database, open_database


def usable_settings(config: Path | None) -> Settings:
    """As `serve` would read them."""
    read = read_settings(config)
    if read.settings is None:
        lines = [line for problem in read.problems for line in problem.render().split("\n")]
        raise Unusable("the settings cannot be used", details=lines)
    return read.settings


@contextmanager
def existing(url: str) -> Iterator[Database]:
    """The database, closed at the end. One that is not there is refused: opening would make an empty file."""
    opened = open_database(url)
    try:
        if opened.path is not None and not opened.path.is_file():
            raise Unusable(
                f"there is no database file at {opened.path}; name another with --database"
            )
        yield opened
    finally:
        opened.close()
