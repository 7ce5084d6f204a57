"""What is asked on the fleet thread: a fleet as it is, for checking policies against it."""

from pinkslip.app.questions import (
    LABEL_WORDS_AT_MOST,
    LABELS_AT_MOST,
    known_of,
    with_labels,
)
from pinkslip.deciding.seat import Seat
from pinkslip.fleet.fleet import Fleet
from pinkslip.fleet.measures import FleetSettings
from pinkslip.judge.state import JudgeState
from pinkslip.model.facts import Changed, Fact, Registered
from pinkslip.policies.known import Known
from pinkslip.policies.load import Source, load

START = 1_700_000_000_000


class NoStore:
    """Nothing is written here."""


def seat_with(*facts: Fact) -> Seat:
    policy_set = load([Source("p.yaml", "version: 1\npolicies: []\n")]).policy_set
    assert policy_set is not None
    seat = Seat(
        workspace_id=1,
        fleet=Fleet(1, FleetSettings()),
        policy_set=policy_set,
        state=JudgeState(),
        store=NoStore(),  # type: ignore[arg-type]  # never asked: nothing is judged
        stall_ms=15_000,
        writer=1,
    )
    seat.fold(facts, seq=max((fact.seq for fact in facts), default=0), at=START)
    return seat


def test_fields_that_nobody_gives_are_known_and_empty() -> None:
    known = with_labels(
        *known_of(
            seat_with(
                Registered(1, START, 1, "a1", "uuid-1"),
                Changed(1, START, 2, role="dev", labels={"zone": "eu"}),
            )
        )
    )

    assert known.fields == {
        "agent": {"a1"},
        "name": frozenset(),
        "role": {"dev"},
        "model": frozenset(),
        "host": frozenset(),
        "lineage": frozenset(),
        "label.zone": {"eu"},
    }
    assert known.labels == {"zone"}


def test_what_agents_no_longer_say_nobody_has() -> None:
    known, labels = known_of(
        seat_with(
            Registered(1, START, 1, "a1", "uuid-1"),
            Changed(1, START, 2, role="dev", labels={"zone": "eu"}),
            Changed(1, START, 3, role="writer", labels={}),
        )
    )

    assert known.fields["role"] == {"writer"}
    assert with_labels(known, labels).labels == frozenset()


def test_of_a_label_with_too_many_values_only_the_name_is_told() -> None:
    labels = [{"build": str(number)} for number in range(LABEL_WORDS_AT_MOST)]

    few = with_labels(Known(), labels)
    many = with_labels(Known(), [*labels, {"build": "one more"}, {"zone": "eu"}])

    assert len(few.fields["label.build"]) == LABEL_WORDS_AT_MOST
    assert (set(many.fields), many.labels) == ({"label.zone"}, {"build", "zone"})


def test_of_too_many_labels_nothing_is_told() -> None:
    labels = [{f"name-{number}": "x"} for number in range(LABELS_AT_MOST)]

    assert len(with_labels(Known(), labels).labels or ()) == LABELS_AT_MOST
    assert with_labels(Known(), [*labels, {"one-more": "x"}]) == Known()
