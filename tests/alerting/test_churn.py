"""Short-lived agents are the rule, not the exception: their coming and going pages nobody."""

from pathlib import Path

from tests.alerting.churn import churn
from tests.prometheus import Suite, check


def test_a_thousand_agents_that_live_twenty_seconds_each_page_nobody(
    suite: Suite, tmp_path: Path
) -> None:
    path = tmp_path / "churn.yml"
    path.write_text(churn(1000))

    check([suite.promtool, "test", "rules", path])


def test_the_same_agents_would_page_if_they_left_without_a_word(
    suite: Suite, tmp_path: Path
) -> None:
    """The test above can fail."""
    path = tmp_path / "churn.yml"
    silent = churn(20).replace("0x3 1x119 stale", "0x123 stale")
    path.write_text(silent)

    said = check([suite.promtool, "test", "rules", path], expected=1)
    assert "PinkslipAgentHeartbeatStale" in said
