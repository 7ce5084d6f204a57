"""Stories: small fleets over a while, told in full by what the judge concludes at every tick.

Run as a program this rewrites what is expected; the difference is read in review like code.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
from tests.judge.ladders import (
    FIRE,
    NOTIFY,
    PROBATION,
    PROVEN,
    QUARANTINE,
    demote,
    fail,
    make_ladder,
    rule,
    succeed,
)
from tests.judge.world import (
    CALM,
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Agent,
    Ticker,
    make_policy,
    make_set,
)

from pinkslip.judge.judge import Judgement
from pinkslip.judge.why import why
from pinkslip.model.facts import Silence, Silenced
from pinkslip.model.policy import (
    CommonCause,
    Guards,
    MassRestart,
    Matcher,
    MaxFired,
    MaxFires,
    MaxNotices,
    MaxQuarantined,
    Newborn,
    Panic,
    Policy,
)
from pinkslip.model.words import Action, Mode, Scope, Status, Verdict

EXPECTED = Path(__file__).parent / "stories"
STRICT = Guards(
    max_fired=MaxFired(share=0.2, at_least=1),
    max_fires=MaxFires(count=3),
    min_active=2,
    panic=Panic(share=0.5, at_least=3),
    newborn=Newborn(age_ms=5 * MINUTE, tasks=5),
    common_cause=CommonCause(factors=("model",), at_least=3),
    mass_restart=MassRestart(share=0.5, at_least=3),
    max_notices=MaxNotices(count=2),
    max_quarantined=MaxQuarantined(share=0.5, at_least=1),
)
_TOLD = (
    "now", "held", "matched", "holding", "panics", "deferred", "findings", "causes", "deploys", "silenced",
    "standings", "places", "waiting", "episodes", "decisions",
)  # fmt: skip
Line = dict[str, object]


def told(judgement: Judgement) -> Line:
    """All of one tick that is not empty, and not what everything else follows from."""
    said = {name: getattr(judgement, name) for name in _TOLD}
    said["held"] = {
        f"{policy} {guard}": count for (policy, guard), count in said["held"].items()
    }
    return {name: value for name, value in said.items() if value or name == "now"}


def answered(ticker: Ticker, *numbers: int) -> Iterator[Line]:
    """What everybody would be answered now."""
    look = ticker.look()
    for number in numbers:
        slot = look.slot_of(number)
        assert slot is not None
        for answer in why(
            look, ticker.policy_set, ticker.state, slot=slot, stopped=ticker.stopped
        ):
            yield {"agent": number, "why": answer}


def fleet(count: int, **given: object) -> list[Agent | None]:
    """Agents of two roles, every third a tester; the last slot is free."""
    agents = [
        Agent(number=number, role="tester" if number % 3 == 0 else "developer", **given)  # type: ignore[arg-type]  # fields of Agent
        for number in range(1, count + 1)
    ]
    return [*agents, None]


def silence_and_panic() -> Iterator[Line]:
    """One falls silent and is fired; a few are held for reasons of their own; then half a role falls silent."""
    late = make_policy(for_ms=10 * SECOND, clear_when="heartbeat_age < heartbeat_interval")
    shadow = make_policy(
        "heartbeat_age > 60s", name="sooner", mode=Mode.SHADOW, keep_for_ms=5 * SECOND
    )
    people = make_policy("heartbeat_age > 60s", name="page", action=Action.NOTIFY, reason=None)
    ticker = Ticker(fleet(12), late, shadow, people, guards=STRICT)
    ticker.agent(1).silent_s = 95.0
    ticker.agent(2).silent_s, ticker.agent(2).created_at = 95.0, START - MINUTE
    ticker.agent(4).silent_s, ticker.agent(4).protected_until = 95.0, START + HOUR
    ticker.agent(5).silent_s, ticker.agent(5).status = 95.0, Status.WAITING
    yield told(ticker.tick())
    yield told(ticker.tick(5 * SECOND))
    yield told(ticker.tick(5 * SECOND))
    yield from answered(ticker, 1, 2, 4, 5, 7)
    ticker.agent(2).silent_s = 12.0
    yield told(ticker.tick(5 * SECOND))
    for number in (3, 6, 9):
        ticker.agent(number).silent_s = 200.0
    quiet = Silence(
        "s1", (("agent", ("agent-9",), ()),), "kim", "deploy", ticker.now, ticker.now + HOUR
    )
    ticker.acts.fold([Silenced(ticker.now, 1, quiet)])
    yield told(ticker.tick(5 * SECOND))
    yield told(ticker.tick(10 * SECOND))
    yield from answered(ticker, 3, 9)
    ticker.stopped = "audit"
    yield told(ticker.tick(5 * SECOND))
    ticker.stopped, ticker.blind = None, [(ticker.now, ticker.now + 30 * SECOND)]
    yield told(ticker.tick(35 * SECOND))
    yield from answered(ticker, 3, 4)


def down_the_ladder_and_back() -> Iterator[Line]:
    """A worker of a lineage and one of its own go down; one recovers, one is fired; in shadow alike."""
    rungs = (NOTIFY, PROBATION, QUARANTINE, FIRE)
    clear = "success_rate[1h] > 90%"
    dumb = make_ladder(*rungs, clear_when=clear, scope=Scope.LINEAGE)
    shadow = make_ladder(*rungs, name="would", mode=Mode.SHADOW)
    partly = make_ladder(*rungs, name="partly", percent=0.5, notice_ms=MINUTE)
    agents = fleet(4)
    ticker = Ticker(agents, dumb, shadow, partly)
    ticker.agent(1).lineage = ticker.agent(2).lineage = "night"
    for _ in range(4):
        fail(ticker, 1)
        fail(ticker, 4)
        yield told(ticker.tick(MINUTE))
        yield told(ticker.tick(5 * SECOND))
    yield from answered(ticker, 1, 2, 4)
    yield told(ticker.tick(10 * MINUTE))
    succeed(ticker, 4)
    ticker.agent(4).values["success_rate[1h]"] = 0.95
    yield told(ticker.tick(MINUTE))
    ticker.agent(4).released_at = ticker.now
    ticker.agent(2).released_at = ticker.now
    yield told(ticker.tick(MINUTE))
    fail(ticker, 2)
    fail(ticker, 4)
    yield told(ticker.tick(MINUTE))
    demote(ticker, ticker.policy_set.policies[0])
    yield told(ticker.tick(MINUTE))
    yield told(ticker.tick(2 * DAY))
    yield from answered(ticker, 2, 4)


def announced_asked_and_ruled() -> Iterator[Line]:
    """Fires that are announced or asked for: one is vetoed, one approved, one called off, one waits its turn."""
    noticed = make_policy(notice_ms=MINUTE, clear_when="heartbeat_age < 10s")
    asked = make_policy(
        "context_used > 90%", name="full", reason="dumb", approval=True, notice_ms=MINUTE
    )
    guards = replace(
        STRICT,
        panic=None,
        max_fired=MaxFired(share=0.5, at_least=1),
        max_notices=MaxNotices(count=4),
    )
    ticker = Ticker(fleet(12), noticed, asked, guards=guards)
    for number in (1, 2, 4):
        ticker.agent(number).silent_s = 95.0
    for number in (5, 7, 8):
        ticker.agent(number).values["context_used"] = 0.95
    yield told(ticker.tick())
    first = ticker.decisions[0]
    assert first.verdict is Verdict.NOTICED
    yield from answered(ticker, 1, 2, 4, 5, 7, 8)
    rule(ticker, Verdict.VETOED, first.id)
    yield told(ticker.tick(5 * SECOND))
    waiting = [each for each in ticker.decisions if each.verdict is Verdict.ASKED]
    rule(ticker, Verdict.APPROVED, waiting[0].id)
    ticker.agent(2).silent_s = 1.0
    yield told(ticker.tick(5 * SECOND))
    yield from answered(ticker, 1, 2, 4, 5, 7, 8)
    yield told(ticker.tick(MINUTE))
    yield told(ticker.tick(MINUTE))
    ticker.agent(4).silent_s = None
    yield told(ticker.tick(MINUTE))
    yield from answered(ticker, 4, 5, 7)


def a_shared_cause_and_a_deploy() -> Iterator[Line]:
    """Everybody on one model fails; a role restarts."""
    bad = make_policy("success_rate[1h] < 50%", name="dumb", reason="dumb")
    silent = make_policy()
    agents = fleet(14)
    ticker = Ticker(agents, bad, silent, guards=STRICT)
    for number in range(1, 15):
        agent = ticker.agent(number)
        agent.model = "new" if number % 4 == 1 else "old"
        agent.values["success_rate[1h]"] = 0.2 if agent.model == "new" or number == 2 else 0.9
        agent.values["tasks[1h]"] = 20.0
    yield told(ticker.tick())
    yield from answered(ticker, 1, 2, 3)
    for number in (3, 6, 9):
        ticker.agent(number).boot_changed_at = ticker.now
        ticker.agent(number).silent_s = 120.0
    yield told(ticker.tick(5 * SECOND))
    yield from answered(ticker, 3, 6)


def policies_that_change() -> Iterator[Line]:
    """Edited, demoted, promoted, taken out: what becomes of episodes and places."""
    late, ladder = make_policy(name="late"), make_ladder(PROBATION, QUARANTINE, FIRE)
    mine = make_policy(
        "age > 1s",
        name="mine",
        action=Action.NOTIFY,
        match=(Matcher("role", frozenset({"tester"})),),
    )
    ticker = Ticker(fleet(5), late, ladder, mine)

    def loads(*policies: Policy) -> Line:
        ticker.policy_set = make_set(*policies, guards=CALM)
        return {"ended": ticker.state.adopt(ticker.policy_set, now=ticker.now)}

    ticker.agent(1).silent_s = 95.0
    fail(ticker, 2)
    yield told(ticker.tick())
    yield loads(replace(late, mode=Mode.SHADOW, hash="late-2"), ladder, mine)
    yield told(ticker.tick(5 * SECOND))
    yield loads(late, replace(ladder, hash="other-3"), mine)
    yield told(ticker.tick(5 * SECOND))
    fail(ticker, 2)
    yield told(ticker.tick(5 * SECOND))
    yield loads(late)
    yield told(ticker.tick(5 * SECOND))
    yield loads(late, ladder, mine)
    yield told(ticker.tick(5 * SECOND))
    yield from answered(ticker, 1, 2, 3)


def evidence_of_every_kind() -> Iterator[Line]:
    """Each evidence function holds for one agent, and is recorded with all it rests on."""
    whens = {
        "upper": "upper(success_rate[1h]) < 70%",
        "decayed": "decayed(success, from=85%, to=60%)",
        "proven": PROVEN,
        "fdr": "proven(success < 70%, fdr=5%)",
        "posterior": "posterior(success < 70%) > 95%",
        "outlier": "outlier(score[1h]) > 3 and score[1h] < 50%",
        "peers": "score[1h] < peers(score[1h]) / 2",
        "ratio": "expected_ratio[1h] < 60%",
        "sum": "max(failures[1h], 3) * 2 - 1 > -(-tasks[1h]) / 2 and not success_rate[1h] >= 50%",
        "slow": "duration_p95[1h] > 1m and tasks[1h] > 3 or context_used > 99%",
    }
    policies = [
        make_policy(when, name=name, reason="dumb", action=Action.NOTIFY)
        for name, when in whens.items()
    ]
    ticker = Ticker(fleet(9), *policies)
    for number in range(1, 10):
        agent = ticker.agent(number)
        is_bad = number == 1
        agent.role = "developer"
        successes = 4 if is_bad else 18 + number % 3
        agent.counted = (20, successes)
        agent.cusum = 9.5 if is_bad else 0.5
        agent.kinds = {"easy": (12, successes // 2), "hard": (8, successes - successes // 2)}
        agent.values |= {
            "tasks[1h]": 20.0,
            "successes[1h]": float(successes),
            "failures[1h]": 20.0 - successes,
            "success_rate[1h]": successes / 20,
            "score[1h]": 0.1 if is_bad else 0.75 + number / 100,
            "duration_p95[1h]": 90.0 if is_bad else 10.0 + number,
            "context_used": 0.5,
        }
    yield told(ticker.tick())
    yield from answered(ticker, 1, 2)


STORIES: tuple[Callable[[], Iterator[Line]], ...] = (
    silence_and_panic,
    down_the_ladder_and_back,
    announced_asked_and_ruled,
    a_shared_cause_and_a_deploy,
    policies_that_change,
    evidence_of_every_kind,
)


def written(story: Callable[[], Iterator[Line]]) -> str:
    """A line of JSON per tick and per answer."""
    return "".join(
        msgspec.json.encode(line, order="deterministic").decode() + "\n" for line in story()
    )


def expected(story: Callable[[], Iterator[Line]]) -> Path:
    """Where what is expected of a story stands."""
    return EXPECTED / f"{story.__name__}.jsonl"


if __name__ == "__main__":
    EXPECTED.mkdir(exist_ok=True)
    for each in STORIES:
        expected(each).write_text(written(each), encoding="utf-8")
    sys.exit(0)
