"""Policy files as read from disk: their names and their texts, unjudged."""

from dataclasses import dataclass
from pathlib import Path

from pinkslip.model.errors import Invalid
from pinkslip.policies.document import SIZE_MAX

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Source:
    """One file as read: its name for messages, and its text."""

    file: str
    text: str
    """Bytes that are not UTF-8 as lone surrogates (`surrogateescape`), so that they can be pointed at."""


def read_sources(path: Path) -> list[Source]:
    """A file, or every `*.yaml` and `*.yml` of a directory, sorted. Invalid when there is none to read."""
    try:
        files = [path] if not path.is_dir() else _policy_files(path)
        if not files:
            raise Invalid(f"{path}: no *.yaml file in this directory")
        return [Source(str(file), _text(file)) for file in files]
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise Invalid(
            f"{error.filename or path}: {reason.lower()}; name a policy file or a directory"
        ) from error


def _policy_files(directory: Path) -> list[Path]:
    """Hidden files are editors' and volume mounts' own."""
    return sorted(
        file
        for file in directory.iterdir()
        if file.suffix in SUFFIXES and not file.name.startswith(".") and file.is_file()
    )


def _text(file: Path) -> str:
    with file.open("rb") as opened:
        return opened.read(SIZE_MAX + 1).decode("utf-8", "surrogateescape")
