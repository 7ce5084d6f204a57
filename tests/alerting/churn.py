"""A promtool unit test too long to write by hand: many agents that live 20 s each, one after the other.

Run as a program it prints the file: `python -m tests.alerting.churn > churn.yml`.
"""

from collections.abc import Iterator

import yaml
from tests.alerting.shipped import RULES

STEP_S = 5
LIFE_S = 20
TTL_S = 600
"""How long the series of a finished agent stay, by default."""
BORN_EACH_STEP = 5


def churn(agents: int) -> str:
    """Agents that beat every 5 s (or are taken for beating every 30 s), finish after 20 s, and leave."""
    last_birth = (agents - 1) // BORN_EACH_STEP
    steps = last_birth + (LIFE_S + TTL_S) // STEP_S + 10
    end = f"{steps * STEP_S}s"
    document = {
        "rule_files": [str(path) for path in RULES],
        "evaluation_interval": "15s",
        "tests": [
            {
                "interval": f"{STEP_S}s",
                "input_series": [
                    {"series": series, "values": values}
                    for series, values in (*_service(steps), *_agents(agents))
                ],
                "promql_expr_test": [
                    {
                        "expr": f"count_over_time(ALERTS[{end}])",
                        "eval_time": end,
                        "exp_samples": [],
                    },
                    # and it was no empty theatre: at the end of the last birth the page was full
                    {
                        "expr": "count(count_over_time(pinkslip_agent_info[1h]))",
                        "eval_time": f"{last_birth * STEP_S}s",
                        "exp_samples": [{"labels": "{}", "value": agents}],
                    },
                ],
            }
        ],
    }
    return str(yaml.safe_dump(document, sort_keys=False, width=1000))


def _service(steps: int) -> Iterator[tuple[str, str]]:
    at = '{job="pinkslip", instance="a"'
    here = f'{at}, workspace="default"'
    role = f'{here}, role="sub-agent"'
    yield 'up{job="pinkslip", instance="a"}', f"1x{steps}"
    yield f"pinkslip_leader{at}}}", f"1x{steps}"
    yield f"pinkslip_evaluation_last_timestamp_seconds{here}}}", f"0+{STEP_S}x{steps}"
    yield f"pinkslip_observing_since_timestamp_seconds{here}}}", f"-9000x{steps}"
    yield f"pinkslip_panic{role}}}", f"0x{steps}"
    yield f"pinkslip_zombies{role}}}", f"0x{steps}"
    yield f"pinkslip_agents_stale{role}}}", f"0x{steps}"
    yield f'pinkslip_agents{role}, status="WORKING"}}', f"20x{steps}"


def _agents(count: int) -> Iterator[tuple[str, str]]:
    alive, remembered = LIFE_S // STEP_S, TTL_S // STEP_S
    for number in range(count):
        birth = number // BORN_EACH_STEP
        before = f"_x{birth} " if birth else ""
        born_s = birth * STEP_S
        last_s = born_s + (alive - 1) * STEP_S
        interval = STEP_S if number % 2 else 30
        labels = f'{{job="pinkslip", instance="a", workspace="default", agent="sub-{number:04}"'
        whole = alive + remembered - 1
        yield f'pinkslip_agent_info{labels}, role="sub-agent"}}', f"{before}1x{whole} stale"
        yield (
            f"pinkslip_agent_heartbeat_interval_seconds{labels}}}",
            f"{before}{interval}x{whole} stale",
        )
        yield (
            f"pinkslip_agent_exempt{labels}}}",
            f"{before}0x{alive - 1} 1x{remembered - 1} stale",
        )
        yield (
            f"pinkslip_agent_last_heartbeat_timestamp_seconds{labels}}}",
            f"{before}{born_s}+{STEP_S}x{alive - 1} {last_s}x{remembered - 1} stale",
        )


if __name__ == "__main__":
    print(churn(1000))
