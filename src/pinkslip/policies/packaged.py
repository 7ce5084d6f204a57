"""The policies that come with Pinkslip, wherever it is installed."""

from importlib import resources
from pathlib import Path

import pinkslip
from pinkslip.model.errors import Invalid
from pinkslip.policies.load import Source, read_sources


def packaged_directory(pack: str = "policies") -> Path:
    """Where the pack's files are: `policies` is the default pack, `demo` the demo's.

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
