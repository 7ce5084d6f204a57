"""Builders for tests of ladders: policies with rungs, and agents that fail and succeed by the task."""

from tests.judge.world import DAY, MINUTE, START, Agent, Ticker, make_policy

from pinkslip.model.decisions import Place
from pinkslip.model.facts import Demoted, Ruled
from pinkslip.model.policy import Policy, Rung
from pinkslip.model.words import SEVERITY_OF_ACTION, Action, Verdict

NOTIFY = Rung(Action.NOTIFY)
PROBATION = Rung(Action.PROBATION)
QUARANTINE = Rung(Action.QUARANTINE, 10 * MINUTE)
FIRE = Rung(Action.FIRE)
PROVEN = "proven(success < 70%, error=1%)"
SILENT = "heartbeat_age > 3 * heartbeat_interval"
ENOUGH = 20
"""Failures in a row that are proof for many passes."""


def make_ladder(*rungs: Rung, when: str = PROVEN, name: str = "dumb", **keys: object) -> Policy:
    """A policy that goes down these rungs."""
    worst = max((rung.action for rung in rungs), key=SEVERITY_OF_ACTION.index)
    return make_policy(
        when,
        name=name,
        ladder=rungs,
        action=worst,
        reason="dumb",
        **keys,  # type: ignore[arg-type]  # keys of make_policy
    )


def make_worker(number: int = 1, **given: object) -> Agent:
    """An agent that has done nothing yet."""
    return Agent(number=number, silent_s=0.0, **given)  # type: ignore[arg-type]  # fields of Agent


def fail(ticker: Ticker, number: int = 1, times: int = ENOUGH) -> None:
    agent = ticker.agent(number)
    tasks, successes = agent.counted
    agent.counted = tasks + times, successes


def succeed(ticker: Ticker, number: int = 1, times: int = ENOUGH) -> None:
    agent = ticker.agent(number)
    tasks, successes = agent.counted
    agent.counted = tasks + times, successes + times


def place_of(ticker: Ticker, policy: str = "dumb") -> Place:
    """The only one of a policy."""
    (place,) = [each for each in ticker.state.places() if each.policy == policy]
    return place


def verdicts(ticker: Ticker) -> list[str]:
    return [each.verdict.value for each in ticker.decisions]


def crossed(ticker: Ticker, number: int = 1, after_ms: int = 5_000) -> str:
    """Let the agent fail enough for the next rung; what came of it. Two ticks, so that its episode ends."""
    fail(ticker, number)
    made = ticker.tick(after_ms).decisions
    ticker.tick(5_000)
    return "+".join(each.verdict.value for each in made)


def rule(ticker: Ticker, verdict: Verdict, decision_id: str, actor: str = "kim") -> None:
    """A person vetoes or approves."""
    ticker.acts.fold([Ruled(ticker.now, 1, decision_id, verdict, actor)])


def demote(ticker: Ticker, policy: Policy) -> None:
    """The policy was overruled twice."""
    why = "2 of its fires were taken back within 24 h"
    ticker.acts.fold([Demoted(ticker.now, 1, policy.name, policy.hash, why)])


LONG_AGO = START - DAY
