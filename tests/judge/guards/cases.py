"""Builders for guards' tests: cases as plain rows about the agents of a `World`."""

from dataclasses import dataclass

import numpy as np
from tests.judge.world import World

from pinkslip.judge.docket import Cases, Hold
from pinkslip.judge.view import Bools
from pinkslip.model.words import Action, code_of


@dataclass(slots=True, kw_only=True)
class Case:
    """One verdict that wants to act, by default the fire of agent 1."""

    number: int = 1
    action: Action = Action.FIRE
    strength: float = 0.5
    rank: int = 0
    announces: bool = False
    is_shadow: bool = False
    is_stale_type: bool = False
    reads_outcomes: bool = False
    by_lineage: bool = False


def make_cases(world: World, *cases: Case) -> Cases:
    """The cases in the order given."""
    slots = [world.slot_of(case.number) for case in cases]
    return Cases(
        rank=np.array([case.rank for case in cases], dtype=np.int64),
        slot=np.array(slots, dtype=np.int64),
        number=np.array([case.number for case in cases], dtype=np.int64),
        strength=np.array([case.strength for case in cases], dtype=np.float64),
        action=np.array([code_of(case.action) for case in cases], dtype=np.int64),
        announces=_bools([case.announces for case in cases]),
        is_shadow=_bools([case.is_shadow for case in cases]),
        is_stale_type=_bools([case.is_stale_type for case in cases]),
        reads_outcomes=_bools([case.reads_outcomes for case in cases]),
        by_lineage=_bools([case.by_lineage for case in cases]),
    )


def held(hold: Hold) -> list[int]:
    """The places of the cases that are held."""
    found: list[int] = np.flatnonzero(hold.holds).tolist()
    return found


def everybody(cases: Cases) -> Bools:
    """All cases are free to act, as far as other guards are concerned."""
    return np.ones(len(cases), dtype=np.bool_)


def _bools(values: list[bool]) -> Bools:
    return np.array(values, dtype=np.bool_)
