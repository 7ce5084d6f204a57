"""What kind of question a policy asks: of silence, of outcomes, of evidence that starts anew, of others."""

import pytest
from tests.judge.world import make_policy

from pinkslip.judge.kinds import compares_agents, is_stale_type, reads_outcomes, starts_anew

KINDS = [
    # when, of silence, of outcomes, starts anew, compares
    ("heartbeat_age > 90s", True, False, False, False),
    ("age > 1h", False, False, False, False),
    ("age > 1h or -missed_beats < 0", True, False, False, False),
    ("success_rate[1h] < 70%", False, True, False, False),
    ("not (abs(consecutive_failures) < 3)", False, True, False, False),
    ("proven(success < 70%, error=1%)", False, True, True, False),
    ("proven(success < 70%, fdr=5%)", False, True, True, True),
    ("decayed(success, from=85%, to=60%)", False, True, True, False),
    ("posterior(success < 70%) > 99%", False, True, True, True),
    ("upper(success_rate[1h]) < 70%", False, True, False, False),
    ("success_rate[1h] < 0.5 * peers(success_rate[1h])", False, True, False, True),
    ("heartbeat_age > 3 * peers(heartbeat_age)", True, False, False, True),
    ("outlier(cost[1h]) > 3.5 and cost[1h] > $5", False, True, False, True),
    ("expected_ratio[1d] < 50%", False, True, False, True),
]


@pytest.mark.parametrize(
    ("when", "silence", "outcomes", "anew", "others"), KINDS, ids=[kind[0] for kind in KINDS]
)
def test_a_policy_is_of_the_kinds_its_when_reads(
    when: str, silence: bool, outcomes: bool, anew: bool, others: bool
) -> None:
    policy = make_policy(when)

    assert is_stale_type(policy) is silence
    assert reads_outcomes(policy) is outcomes
    assert starts_anew(policy) is anew
    assert compares_agents(policy) is others
