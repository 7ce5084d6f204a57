"""Evidence in words: the worker it is held against, and evidence of nothing."""

import pytest

from pinkslip.judge.claims import claim_words
from pinkslip.judge.evaluate import calls_of
from pinkslip.judge.phrases import Weight
from pinkslip.model.policy import Call
from pinkslip.policies.language import parse_condition


def called(text: str) -> Call:
    (call,) = calls_of(parse_condition(text).tree)
    return call


@pytest.mark.parametrize(
    ("rate", "worker"),
    [
        ("8%", "an 8 % worker"),
        ("11%", "an 11 % worker"),
        ("11.5%", "an 11.5 % worker"),
        ("12%", "a 12 % worker"),
        ("18%", "an 18 % worker"),
        ("18.5%", "an 18.5 % worker"),
    ],
)
def test_a_worker_has_its_article(rate: str, worker: str) -> None:
    call = called(f"proven(success < {rate}, error=1%)")
    weight = Weight(value=2.0, threshold=4.6, tasks=40, successes=0)

    assert f"; {worker} does" in claim_words(call, weight, holds=False)


def test_as_likely_as_not_is_no_evidence() -> None:
    weight = Weight(value=0.0, threshold=4.6, tasks=3, successes=1)

    said = claim_words(called("proven(success < 70%, error=1%)"), weight, holds=False)

    assert said == "1 of 3 tasks succeeded, which is no evidence of less than 70 %"
