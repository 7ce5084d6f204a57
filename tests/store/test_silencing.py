"""Silences: for a while policies leave these agents alone, over starts too, until they are over or ended."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from tests.store.service import WORKSPACE, Service, serving

from pinkslip.model.errors import Conflict, Invalid, NotFound
from pinkslip.model.facts import Silenced, Unsilenced
from pinkslip.model.policy import Matcher
from pinkslip.model.time import DAY_MS, HOUR_MS
from pinkslip.store import silencing
from pinkslip.store.engine import Database
from pinkslip.store.views import StoredSilence

DEVELOPERS = (
    Matcher("role", frozenset({"dev", "ops"})),
    Matcher("label.team", patterns=("x.*",)),
)


@pytest.fixture
def service(database: Database) -> Iterator[Service]:
    with serving(database) as running:
        yield running


def add(service: Service, *, for_ms: int = HOUR_MS, **given: Any) -> StoredSilence:
    act = partial(silencing.silence_add, workspace_id=WORKSPACE, match=DEVELOPERS, owner="mary")
    ends_at = service.clock.wall_ms() + for_ms
    return service.act(partial(act, ends_at=ends_at, **{"reason": "deploy", **given}))


def end(service: Service, silence_id: str) -> StoredSilence:
    act = partial(silencing.silence_end, workspace_id=WORKSPACE, silence_id=silence_id)
    return service.act(partial(act, actor="jason"))


def test_a_silence_says_whom_until_when_by_whom_and_why(service: Service) -> None:
    added = add(service)

    now, silence = service.clock.wall_ms(), added.silence
    assert silence.match == (("role", ("dev", "ops"), ()), ("label.team", (), ("x.*",)))
    assert (silence.owner, silence.reason) == ("mary", "deploy")
    assert (silence.starts_at, silence.ends_at, added.created_at) == (now, now + HOUR_MS, now)
    assert service.readers.silence(WORKSPACE, silence.id) == added
    assert [fact.silence for fact in service.facts if isinstance(fact, Silenced)] == [silence]
    assert service.fold().at(now).acts.silences == {silence.id: silence}


def test_it_can_be_ended_before_its_time_once(service: Service) -> None:
    silence = add(service).silence

    ended = end(service.after(10), silence.id)

    assert (ended.ended_at, ended.ended_by) == (service.clock.wall_ms(), "jason")
    assert [fact.id for fact in service.facts if isinstance(fact, Unsilenced)] == [silence.id]
    assert not service.fold().at(service.clock.wall_ms()).acts.silences
    with pytest.raises(Conflict, match=r"was ended at .* by jason"):
        end(service, silence.id)
    with pytest.raises(NotFound):
        end(service, "nothing")


@pytest.mark.parametrize(("after_ms", "is_over"), [(-1, False), (0, True), (1, True)])
def test_it_is_over_at_its_end(service: Service, after_ms: int, is_over: bool) -> None:
    silence = add(service).silence
    service.after(HOUR_MS + after_ms)

    assert (service.readers.silences(WORKSPACE, active_at=service.clock.wall_ms()) == []) is (
        is_over
    )
    if is_over:
        with pytest.raises(Conflict, match="was over at"):
            end(service, silence.id)
    else:
        end(service, silence.id)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"reason": "  "}, "reason: say why"),
        ({"for_ms": 0}, "is past"),
        ({"for_ms": 30 * DAY_MS + 1}, "30 d at most"),
    ],
    ids=["no reason", "over at once", "too long"],
)
def test_what_is_no_silence_is_refused(
    service: Service, given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(Invalid, match=problem):
        add(service, **given)

    assert service.readers.silences(WORKSPACE) == []


def test_thirty_days_are_not_too_long(service: Service) -> None:
    assert add(service, for_ms=30 * DAY_MS)


def test_one_may_begin_later(service: Service) -> None:
    begins = service.clock.wall_ms() + 1_000
    added = add(service, starts_at=begins)

    assert [added.is_active(begins + past) for past in (-1, 0, HOUR_MS)] == [False, True, False]
    assert service.readers.silences(WORKSPACE, active_at=begins - 1) == []
    assert service.readers.silences(WORKSPACE, active_at=begins) == [added]


def test_they_are_listed_newest_first_by_what_became_of_them(service: Service) -> None:
    over = add(service, for_ms=1_000)
    ended = add(service.after(10))
    end(service, ended.silence.id)
    lasts = add(service.after(2_000))
    now = service.clock.wall_ms()

    def ids(found: list[StoredSilence]) -> list[str]:
        return [one.silence.id for one in found]

    assert ids(service.readers.silences(WORKSPACE)) == [
        lasts.silence.id,
        ended.silence.id,
        over.silence.id,
    ]
    assert ids(service.readers.silences(WORKSPACE, active_at=now)) == [lasts.silence.id]
    assert ids(service.readers.silences(WORKSPACE, over_at=now)) == [
        ended.silence.id,
        over.silence.id,
    ]
