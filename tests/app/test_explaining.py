"""`explain` on a real journal: what was decided honestly is identical, what cannot be computed says why."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from msgspec import structs
from tests.store.service import WORKSPACE, Service, serving
from tests.store.ticking import decided, tick

from pinkslip.app.explaining import explain_offline, recomputed
from pinkslip.fleet.fleet import FleetSettings
from pinkslip.judge.conclusions import Recomputed
from pinkslip.judge.evidence.proven import log_e
from pinkslip.judge.numeric import LOG_10, recorded
from pinkslip.model.decisions import Decision, Evidence, Statistic
from pinkslip.model.errors import Conflict
from pinkslip.model.events import Finish, Report
from pinkslip.model.policy import PolicySet
from pinkslip.model.words import ActorKind, Result, Verdict
from pinkslip.policies.load import Source, load
from pinkslip.store.engine import open_database

PROVEN = "proven(success < 70%, error=1%)"
LADDER = f"""\
version: 1
policies:
  - name: follow
    reason: dumb
    scope: lineage
    when: {PROVEN}
    clear_when: lower(success_rate[50 tasks]) >= 70%
    ladder: [probation, quarantine 2s, fire]
    mode: enforce
"""
NO_REASONS: Mapping[str, str] = {}


@pytest.fixture
def service(sqlite_url: str) -> Iterator[Service]:
    database = open_database(sqlite_url)
    with serving(database) as running:
        yield running
    database.close()


def policies(text: str = LADDER) -> PolicySet:
    loaded = load([Source("p.yaml", text)]).policy_set
    assert loaded is not None
    return loaded


def worked(service: Service, agent: str, failures: int = 8, lineage: str | None = "l") -> None:
    service.after(1_000).beat(agent, lineage=lineage)
    for _ in range(failures):
        service.after(10).outcome(agent, Result.FAILURE)


def finish(service: Service, agent: str) -> None:
    service.report(Report(WORKSPACE, agent, Finish()))


def explained(service: Service, decision_id: str) -> Recomputed:
    stored = service.readers.decision(WORKSPACE, decision_id)
    assert stored is not None
    return recomputed(
        service.database, WORKSPACE, stored, settings=FleetSettings(), reasons=NO_REASONS
    )


def follows(
    service: Service, agent: str, *, number: int = 1, since: int, base_tasks: int, **told: Any
) -> Decision:
    """What the ladder of `follow` says of an agent whose lineage's evidence began anew at `since`."""
    (policy,) = policies().policies
    statistic = Statistic(
        function=PROVEN,
        value=3.38342554,
        threshold=2.30103,
        tasks=8,
        since=since,
        base_tasks=base_tasks,
    )
    return decided(
        service,
        agent,
        number,
        policy="follow",
        policy_hash=policy.hash,
        verdict=Verdict.QUARANTINED,
        evidence=Evidence(
            when=PROVEN,
            values={},
            words=(
                "0 of 8 tasks of its lineage since its evidence began anew succeeded; a 70 % worker does this badly"
                " once in 2,400 (proven at 0.5 %, what pass 1 may spend of 1 %)"
            ),
            true_since=service.clock.wall_ms(),
            tasks=8,
            statistics=(statistic,),
            rung=2,
            rungs=3,
            lineage="l",
        ),
        **told,
    )


def test_a_worker_that_came_after_its_lineages_evidence_began_anew_is_explained(
    service: Service,
) -> None:
    worked(service, "w1")
    first = service.clock.wall_ms()
    finish(service, "w1")
    worked(service, "w2")
    second = service.clock.wall_ms()
    tick(service, follows(service, "w2", since=first, base_tasks=8), policies=policies())
    finish(service, "w2")
    worked(service, "w3")
    decision = follows(service, "w3", number=2, since=second, base_tasks=16)
    tick(service, decision, policies=policies())

    for ident in ("1", "2"):
        found = explained(service, f"00000000-0000-7000-8000-{ident:0>12}")
        assert found.identical, found.differences


def test_a_worker_that_took_its_lineages_name_later_is_explained(service: Service) -> None:
    service.beat("w2")
    worked(service, "w1")
    began = service.clock.wall_ms()
    worked(service, "w2")
    tick(service, follows(service, "w2", since=began, base_tasks=8), policies=policies())

    found = explained(service, "00000000-0000-7000-8000-000000000001")

    assert found.identical, found.differences


def test_who_is_compared_with_its_own_lineage_counts_it_once(service: Service) -> None:
    compared = PROVEN + " and peers(success_rate[1h]) >= 0%"
    for other in ("a", "b", "c"):
        worked(service, other, lineage=None)
    worked(service, "w1")
    worked(service, "w2")
    both = policies(LADDER.replace(PROVEN, compared))
    (value,) = log_e(np.array([16]), np.array([0]), 0.7) / LOG_10
    proof = Statistic(
        function=PROVEN, value=recorded(value), threshold=2.30103, tasks=16, since=0
    )
    peers = Statistic(function="peers(success_rate[1h])", value=0.0, threshold=0.0)
    decision = decided(
        service,
        "w2",
        1,
        policy="follow",
        policy_hash=both.policies[0].hash,
        verdict=Verdict.PROBATION,
        evidence=Evidence(
            when=compared,
            values={"success_rate[1h]": 0.0},
            words=(
                "0 of 16 tasks of its lineage succeeded; a 70 % worker does this badly less than once in a million"
                " (proven at 0.5 %, what pass 1 may spend of 1 %) and usual among its peers: success rate 0 % in"
                " 1 h (at least 0 %)"
            ),
            true_since=service.clock.wall_ms(),
            tasks=16,
            statistics=(proof, peers),
            rung=1,
            rungs=3,
            lineage="l",
        ),
    )
    tick(service, decision, policies=both)

    found = explained(service, FIRST)

    assert found.identical, found.differences


# what there is nothing to compute of


FIRST = "00000000-0000-7000-8000-000000000001"
GONE = Evidence(
    when="", values={}, words="policy slow was removed or switched off", true_since=1
)


def test_what_was_called_off_since_its_policy_is_gone_says_so(service: Service) -> None:
    service.beat("a")
    gone = decided(service, "a", verdict=Verdict.CANCELLED, evidence=GONE, reason=None)
    tick(service, gone, policies=policies())

    with pytest.raises(
        Conflict, match=r"\(policy slow was removed or switched off\); there is no"
    ):
        explained(service, FIRST)
    offline = explain_offline(
        service.database, FIRST, settings=FleetSettings(), reasons=NO_REASONS
    )

    assert "recomputed" not in offline


def test_what_followed_from_peoples_decisions_is_no_persons(service: Service) -> None:
    service.beat("a")
    tick(service, decided(service, "a"))
    stored = service.readers.decision(WORKSPACE, FIRST)
    assert stored is not None
    demoted = structs.replace(stored, verdict=Verdict.DEMOTED, actor_kind=ActorKind.SERVICE)

    with pytest.raises(Conflict, match="Pinkslip recorded this"):
        recomputed(
            service.database, WORKSPACE, demoted, settings=FleetSettings(), reasons=NO_REASONS
        )


# what other hands changed


def damage(service: Service, statement: str) -> None:
    service.act(lambda tx: tx.connection.exec_driver_sql(statement) and None)


@pytest.mark.parametrize(
    "garbage",
    ["{oops", "{}", '{"when":"1 > 0","values":{},"words":"x","true_since":99999999999999999}'],
)
def test_an_unreadable_record_says_so_and_hides_no_other(
    service: Service, garbage: str
) -> None:
    service.beat("a")
    tick(service, decided(service, "a"), decided(service, "a", 2, verdict=Verdict.HELD))
    damage(service, f"UPDATE decisions SET evidence = '{garbage}' WHERE number = 1")

    whole, broken = service.readers.decisions(WORKSPACE)

    assert (whole.is_readable, broken.is_readable) == (True, False)
    assert whole.evidence.words == "too slow"
    assert broken.evidence.words.startswith("its evidence cannot be read")
    for explain in (
        lambda: explained(service, FIRST),
        lambda: explain_offline(
            service.database, FIRST, settings=FleetSettings(), reasons=NO_REASONS
        ),
    ):
        with pytest.raises(
            Conflict, match="its evidence cannot be read; `pinkslip audit verify`"
        ):
            explain()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE outcomes SET result = 'success'", "an outcome in the journal, at 2027"),
        ("UPDATE outcomes SET result = 99", "an outcome in the journal, at 2027"),
        ("UPDATE agent_changes SET changes = '{oops'", "a change in the journal, at 2027"),
        (
            "UPDATE policy_sets SET texts = '{oops'",
            "stored text of policy set .* cannot be read",
        ),
    ],
)
def test_a_journal_that_cannot_be_read_says_where(
    service: Service, statement: str, said: str
) -> None:
    worked(service, "w1")
    decision = follows(service, "w1", since=service.clock.wall_ms(), base_tasks=0)
    tick(service, decision, policies=policies())
    damage(service, statement)

    with pytest.raises(Conflict, match=said):
        explained(service, FIRST)
