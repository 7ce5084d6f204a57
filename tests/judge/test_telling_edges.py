"""How the passes down a ladder are counted in words."""

import pytest
from tests.judge.ladders import FIRE, PROBATION, make_ladder
from tests.judge.world import START

from pinkslip.judge.telling import Stance, sentence
from pinkslip.judge.telling import Testimony as Said  # pytest would collect it by its name
from pinkslip.model.decisions import Place
from pinkslip.model.words import Mode, Standing


@pytest.mark.parametrize(
    ("passes", "expected"),
    [(2, "2nd"), (12, "12th"), (22, "22nd"), (101, "101st"), (111, "111th"), (213, "213th")],
)
def test_passes_are_counted_as_people_count(passes: int, expected: str) -> None:
    place = Place(
        policy="dumb",
        episode_hash="hash",
        subject="agent:1",
        incarnation=1,
        rung=-1,
        standing=Standing.ACTIVE,
        since=START,
        passes=passes,
    )
    stance = Stance(
        policy=make_ladder(PROBATION, FIRE),
        now=START,
        mode=Mode.ENFORCE,
        refusal="",
        said=Said(truth="false", reasons=("it is calm",)),
        episode=None,
        place=place,
    )

    assert sentence(stance) == (
        f"it does not hold: it is calm; it is on no rung, in its {expected} pass down the ladder"
    )
