"""The policies that come with Pinkslip, wherever it is installed."""

from functools import cache
from importlib import resources
from pathlib import Path

import pinkslip
from pinkslip.model.errors import Invalid
from pinkslip.policies.sources import Source, read_sources

BUILTIN = "builtin"
"""The folder of frozen packs, and the name that `extends: builtin@1` begins with."""


def packaged_directory(pack: str = "policies") -> Path:
    """Where the pack's files are: `policies` is the default pack, `demo` the demo's, `builtin/1` a frozen one.

    In a wheel they travel inside the package; in a checkout they are the ones people edit.
    """
    inside = resources.files("pinkslip") / "assets" / "config" / pack
    if isinstance(inside, Path) and inside.is_dir():
        return inside
    checkout = Path(pinkslip.__file__).parents[2] / "config" / pack
    if checkout.is_dir():
        return checkout
    raise Invalid(f"the packaged policies {pack!r} are not installed; install pinkslip again")


def packaged_sources(pack: str = "policies") -> list[Source]:
    """The pack's files, as `load` takes them."""
    return read_sources(packaged_directory(pack))


def builtin_versions() -> list[int]:
    """The frozen versions of the default pack that `extends` may name, the oldest first."""
    return sorted(int(folder.name) for folder in packaged_directory(BUILTIN).iterdir())


@cache
def builtin_sources(version: int) -> tuple[Source, ...]:
    """One frozen version, each file under the name `builtin@1/dumb.yaml`."""
    directory = packaged_directory(f"{BUILTIN}/{version}")
    return tuple(
        Source(f"{BUILTIN}@{version}/{Path(source.file).name}", source.text)
        for source in read_sources(directory)
    )
