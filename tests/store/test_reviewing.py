"""Reviews: the newest score holds, wherever the outcome still counts; what it came to never changes."""

from collections.abc import Iterator
from functools import partial

import pytest
from tests.store.service import WORKSPACE, Service, serving
from tests.store.test_rebuild import remade

from pinkslip.model.errors import Invalid, NotFound
from pinkslip.model.facts import Reviewed
from pinkslip.model.words import ActorKind, Result, Source
from pinkslip.store import acts, reviewing
from pinkslip.store.engine import Database
from pinkslip.store.rebuild import history_of
from pinkslip.store.views import StoredReview


@pytest.fixture
def service(database: Database) -> Iterator[Service]:
    with serving(database) as running:
        yield running


def review(service: Service, event_id: str, score: float, comment: str = "") -> StoredReview:
    act = partial(reviewing.review, workspace_id=WORKSPACE, event_id=event_id, score=score)
    return service.act(partial(act, comment=comment, actor="mary"))


def scores(service: Service, agent: str = "a") -> tuple[int, int]:
    view = service.fold().agent(agent, now=service.clock.wall_ms())
    assert view is not None
    return view.score_e6_sum, view.score_count


def test_a_review_gives_a_score_and_says_who_and_why(service: Service) -> None:
    service.outcome("a", event_id="e", score=0.25)

    first = review(service.after(10), "e", 0.75, "well done")

    assert (first.score_e6, first.before_e6) == (750_000, 250_000)
    assert (first.who, first.comment, first.source) == ("mary", "well done", Source.PERSON)
    assert (first.agent_no, first.counted) == (1, True)
    assert scores(service) == (750_000, 1)


def test_the_newest_review_holds(service: Service) -> None:
    service.outcome("a", event_id="e")

    review(service.after(10), "e", 0.5)
    second = review(service.after(10), "e", 1.0)

    assert (second.score_e6, second.before_e6) == (1_000_000, 500_000)
    assert scores(service) == (1_000_000, 1)
    newest, oldest = service.readers.reviews(WORKSPACE, "e")
    assert (newest, oldest.before_e6) == (second, None)


def test_the_outcome_itself_stays_as_it_was_told(service: Service) -> None:
    service.outcome("a", Result.FAILURE, event_id="e", score=0.25)
    review(service, "e", 1.0)

    (done,) = service.readers.outcomes(WORKSPACE, 1)
    assert (done.result, done.score_e6) == (Result.FAILURE, 250_000)
    assert service.outcome("a", Result.FAILURE, event_id="e", score=0.25).verdict == "duplicate"


def test_what_is_no_score_or_no_outcome_is_refused(service: Service) -> None:
    service.outcome("a", event_id="e")

    with pytest.raises(NotFound):
        review(service, "f", 0.5)
    for score in (-0.1, 1.1, float("nan")):
        with pytest.raises(Invalid):
            review(service, "e", score)
    assert service.readers.reviews(WORKSPACE, "e") == []


def test_a_fired_agents_outcomes_are_reviewed_for_the_record_alone(service: Service) -> None:
    service.outcome("a", event_id="before", score=0.5)
    act = partial(acts.fire, workspace_id=WORKSPACE, ident="a", reason="dumb", context="")
    service.act(partial(act, actor_kind=ActorKind.PERSON, actor="mary"))
    service.outcome("a", event_id="after", score=0.5)

    stored = review(service, "after", 1.0)
    review(service, "before", 0.0)

    assert not stored.counted
    assert [fact.event_id for fact in service.facts if isinstance(fact, Reviewed)] != []
    assert scores(service) == (0, 1)
    now = service.clock.wall_ms()
    again = remade(service.database, now).agent("a", now=now)
    assert again is not None
    assert (again.score_e6_sum, again.score_count) == (0, 1)


@pytest.mark.parametrize("checkpointed", ["never", "before", "between", "after"])
def test_a_start_counts_each_review_once(service: Service, checkpointed: str) -> None:
    service.outcome("a", event_id="e", score=0.25)
    service.outcome("a", event_id="f", score=0.5)
    if checkpointed == "before":
        service.checkpoint()
    review(service.after(10), "e", 0.75)
    if checkpointed == "between":
        service.checkpoint()
    review(service.after(10), "e", 1.0)
    if checkpointed == "after":
        service.checkpoint()

    now = service.clock.wall_ms()
    again = remade(service.database, now).agent("a", now=now)

    assert again is not None
    assert (again.score_e6_sum, again.score_count) == (1_500_000, 2) == scores(service)


def test_an_explanation_hears_reviews_when_they_came(service: Service) -> None:
    service.outcome("a", event_id="e", score=0.25)
    first = service.clock.wall_ms()
    review(service.after(10), "e", 0.75)
    second = service.clock.wall_ms()
    review(service.after(10), "e", 1.0)

    def heard(until: int) -> list[int]:
        facts = history_of(service.database, WORKSPACE, 1, until=until)
        return [fact.score_e6 for fact in facts if isinstance(fact, Reviewed)]

    assert (heard(first), heard(second)) == ([], [750_000])
    assert heard(second + 10) == [750_000, 1_000_000]


def test_a_deleted_agent_takes_its_reviews_along(service: Service) -> None:
    service.outcome("a", event_id="e", score=0.25)
    review(service, "e", 0.75)
    act = partial(acts.fire, workspace_id=WORKSPACE, ident="a", reason="dumb", context="")
    service.act(partial(act, actor_kind=ActorKind.PERSON, actor="mary"))

    service.act(lambda tx: acts.delete_agent(tx, workspace_id=WORKSPACE, ident="a"))

    assert service.readers.reviews(WORKSPACE, "e") == []
    with pytest.raises(NotFound):
        review(service, "e", 0.5)
