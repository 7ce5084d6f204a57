"""Silences over HTTP: matchers as policies read them, an end, a breadth that is refused, and what lists say."""

import pytest
from tests.web.backend import NOW, MemoryBackend
from tests.web.conftest import Served

from pinkslip.model.policy import Matcher
from pinkslip.model.time import DAY_MS, rfc3339
from pinkslip.web.handlers.silences import matchers
from pinkslip.web.problems import Refused

PATH = "/api/silences"
LATER = rfc3339(NOW + 1_800_000)
DEPLOY = {"match": {"role": "writer"}, "reason": "deploy", "until": LATER}


async def test_a_silence_begins_now_and_says_whom_it_takes_in(
    served: Served, backend: MemoryBackend
) -> None:
    backend.add("a", role="writer")
    match = {"role": ["writer", "editor"], "model": "~gpt.*", "label.team": ""}

    status, silence = await served.post(
        PATH, {"match": match, "forSeconds": 1800, "reason": "deploy"}
    )

    assert status == 201
    assert silence == {
        "id": "silence-1",
        "match": {"role": ["editor", "writer"], "model": ["~gpt.*"], "label.team": [""]},
        "words": "role is editor or writer, and model is like gpt.*, and label.team is empty",
        "owner": "local",
        "reason": "deploy",
        "startsAt": rfc3339(NOW),
        "endsAt": LATER,
        "active": True,
        "matched": 1,
        "endedAt": None,
        "endedBy": None,
    }


async def test_it_ends_at_its_time_or_by_a_person_and_stays_in_the_list(
    served: Served, backend: MemoryBackend
) -> None:
    _, first = await served.post(PATH, DEPLOY)
    _, second = await served.post(PATH, DEPLOY)

    ended = await served.ask("DELETE", f"{PATH}/{first['id']}")
    again = await served.ask("DELETE", f"{PATH}/{first['id']}")
    _, active = await served.get(f"{PATH}?active=true")
    backend.time = NOW + 1_800_000
    _, over = await served.get(f"{PATH}?active=false")
    _, everything = await served.get(f"{PATH}?limit=1")

    assert (ended[0], ended[1]["active"], ended[1]["endedBy"]) == (200, False, "local")
    assert again[0] == 409
    assert [one["id"] for one in active["items"]] == [second["id"]]
    assert [one["id"] for one in over["items"]] == [second["id"], first["id"]]
    assert [one["id"] for one in everything["items"]] == [second["id"]]
    assert (await served.ask("DELETE", f"{PATH}/nothing"))[0] == 404


async def test_one_that_takes_in_many_needs_force(
    served: Served, backend: MemoryBackend
) -> None:
    for name in "abc":
        backend.add(name)

    status, problem = await served.post(PATH, DEPLOY)
    forced = await served.post(PATH, {**DEPLOY, "force": True})

    assert (status, problem["matched"], problem["active"]) == (409, 3, 3)
    assert forced[0] == 201


@pytest.mark.parametrize(
    ("changes", "pointer", "said"),
    [
        pytest.param({"until": None}, "/until", "or forSeconds", id="no end"),
        pytest.param({"forSeconds": 60}, "/until", "not both", id="two ends"),
        pytest.param({"until": rfc3339(NOW)}, "/until", "in the past", id="over already"),
        pytest.param(
            {"until": rfc3339(NOW + 30 * DAY_MS + 1)}, "/until", "more than 30 days", id="long"
        ),
        pytest.param({"match": {}}, "/match", "length >= 1", id="everybody"),
        pytest.param({"match": {"role": []}}, "/match", "length >= 1", id="no value"),
        pytest.param({"match": {"rol": "x"}}, "/match/rol", 'did you mean "role"', id="field"),
        pytest.param({"match": {"role": "~("}}, "/match/role", "", id="no regex"),
        pytest.param({"match": {"status": "SLEEPY"}}, "/match/status", "IDLE", id="no status"),
        pytest.param({"match": {"role": "a\u0000b"}}, "/match/role", "control", id="NUL"),
        pytest.param({"match": {"label.": "x"}}, "/match/label.", "between 1 and", id="label"),
        pytest.param({"reason": ""}, "/reason", "length >= 1", id="no reason"),
        pytest.param({"owner": "eve"}, "/owner", "unknown field", id="another's name"),
    ],
)
async def test_what_cannot_be_a_silence_says_where_and_why(
    served: Served,
    backend: MemoryBackend,
    changes: dict[str, object],
    pointer: str,
    said: str,
) -> None:
    status, problem = await served.post(PATH, {**DEPLOY, **changes})

    assert (status, problem["errors"][0]["pointer"]) == (422, pointer)
    assert said in problem["detail"] + problem["errors"][0]["detail"]
    assert not backend.kept_silences


async def test_every_line_that_cannot_be_used_is_named_at_once(served: Served) -> None:
    _, problem = await served.post(PATH, {**DEPLOY, "match": {"rol": "x", "modle": "y"}})

    assert [fault["pointer"] for fault in problem["errors"]] == ["/match/rol", "/match/modle"]


async def test_thirty_days_are_not_too_long(served: Served) -> None:
    until = rfc3339(NOW + 30 * DAY_MS)

    assert (await served.post(PATH, {**DEPLOY, "until": until}))[0] == 201


def test_matchers_are_those_of_policies() -> None:
    assert matchers({"role": ["b", "a", "~x.*"], "status": "IDLE"}) == (
        Matcher("role", frozenset({"a", "b"}), ("x.*",)),
        Matcher("status", frozenset({"IDLE"})),
    )
    with pytest.raises(Refused):
        matchers({"nothing": "x"})
