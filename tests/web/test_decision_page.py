"""The page of one decision, where links in messages point: what it says, and what can be done from it."""

import shutil
from typing import Any

import pytest
from msgspec.structs import replace
from playwright.async_api import async_playwright
from tests.web.backend import EVIDENCE, NOW, MemoryBackend
from tests.web.conftest import Served
from tests.web.test_page import Reader, read

from pinkslip.model.decisions import Consulted, Statistic
from pinkslip.model.words import ActorKind, EpisodeState, Guard, Standing, Verdict
from pinkslip.store.views import Fire, StoredDecision

WHOLE = replace(
    EVIDENCE,
    statistics=(Statistic("proven(success < 70%, error=1%)", 2.4, 2.0, 40, 12, NOW - 60_000),),
    guards=(Consulted(Guard.NEWBORN, False), Consulted(Guard.ENVELOPE, True, "1 of 1 fired")),
    rung=3,
    rungs=3,
)


@pytest.fixture(autouse=True)
def _an_agent(backend: MemoryBackend) -> None:
    backend.add("a", standing=Standing.NOTICE)


@pytest.fixture
def announced(backend: MemoryBackend) -> StoredDecision:
    """A fire that waits for its notice to pass."""
    decision = backend.decide(verdict=Verdict.NOTICED, evidence=WHOLE)
    backend.wait(decision)
    return decision


async def test_it_says_what_was_concluded_on_what_evidence_and_who_was_asked(
    served: Served, announced: StoredDecision
) -> None:
    page = await read(served, f"/decisions/{announced.id}")

    assert "Policy failing announced that it will fire a as underperforming" in page.text
    assert "1 of 5 tasks succeeded." in page.text
    assert "This was step 3 of 3 of the policy's ladder." in page.text
    assert "success_rate[1h] 20 %" in page.text
    assert (
        "proven(success < 70%, error=1%) 2.4 2 12 of 40 tasks succeeded, since 2026-11-18 11:05:40 UTC"
        in page.text
    )
    assert "passed whether the agent is new" in page.text
    assert "held the limit on how many may be taken out 1 of 1 fired" in page.text


async def test_it_says_what_happens_next_and_when_and_how_to_stop_it(
    served: Served, announced: StoredDecision
) -> None:
    page = await read(served, f"/decisions/{announced.id}")

    assert (
        "The agent is fired on 2026-11-18 11:11:40 UTC, in 5 min, unless a person" in page.text
    )
    assert "Veto" in page.text
    assert "Approve" not in page.text
    assert f"pinkslip veto {announced.id} --reason '...'" in page.text
    assert "pinkslip why a" in page.text
    assert f"pinkslip explain {announced.id}" in page.text


@pytest.mark.parametrize(
    ("holds", "expected"),
    [
        (True, "Its time has come: the next tick asks the safeguards again, and fires"),
        (
            False,
            (
                "Its notice has passed, and the policy does not hold for the agent just now. The agent is fired the "
                "next time it does, unless a person vetoes it or the agent recovers before."
            ),
        ),
    ],
    ids=["it holds", "it does not"],
)
async def test_it_names_no_time_gone_by_for_what_still_waits(
    served: Served, backend: MemoryBackend, holds: bool, expected: str
) -> None:
    decision = backend.decide(verdict=Verdict.NOTICED, evidence=WHOLE)
    backend.wait(decision, until=NOW - 1, holds=holds)

    page = await read(served, f"/decisions/{decision.id}")

    assert expected in page.text
    assert "The agent is fired on" not in page.text


async def test_what_waits_for_a_person_can_be_approved_once(
    served: Served, backend: MemoryBackend
) -> None:
    decision = backend.decide(verdict=Verdict.ASKED, evidence=WHOLE)
    backend.wait(decision, state=EpisodeState.AWAITING, until=None)

    asked = await read(served, f"/decisions/{decision.id}")
    words = f"a person approved what decision {decision.id} announced: 1 of 5 tasks succeeded"
    backend.decide(
        verdict=Verdict.APPROVED,
        actor_kind=ActorKind.PERSON,
        actor="ann",
        evidence=replace(EVIDENCE, words=words),
    )
    approved = await read(served, f"/decisions/{decision.id}")

    assert "Nobody is fired unless a person approves." in asked.text
    assert f"pinkslip approve {decision.id} --reason '...'" in asked.text
    assert (
        "a person (ann) allowed policy failing to fire a as underperforming." in approved.text
    )
    assert "pinkslip approve" not in approved.text
    assert "pinkslip veto" in approved.text


async def test_afterwards_it_says_what_became_of_it_and_offers_nothing(
    served: Served, backend: MemoryBackend, announced: StoredDecision
) -> None:
    await served.post(f"/api/decisions/{announced.id}/veto", {"context": "known outage"})

    page = await read(served, f"/decisions/{announced.id}")

    assert "stopped policy failing from firing a: “known outage”." in page.text
    assert "data-act" not in page.attributes
    assert "pinkslip veto" not in page.text


async def test_a_fire_says_whether_it_was_taken_back(
    served: Served, backend: MemoryBackend
) -> None:
    decision = backend.decide(evidence=WHOLE)
    fire = Fire(
        id="fire-1",
        agent_no=1,
        agent_id="a",
        incarnation=1,
        decision_id=decision.id,
        fired_at=NOW,
        reason="dumb",
        context="",
        policy="failing",
        actor_kind=ActorKind.POLICY,
        actor="failing",
        post_mortem={},
    )
    backend.kept_fires.append(fire)
    standing = await read(served, f"/decisions/{decision.id}")
    backend.kept_fires[0] = replace(
        fire, reinstated_at=NOW + 1000, reinstated_by="ann", was_wrong=True
    )

    back = await read(served, f"/decisions/{decision.id}")

    assert "It was not taken back, and nobody has called it wrong." in standing.text
    assert "pinkslip reinstate a --reason '...'" in standing.text
    assert "a person (ann) reinstated the agent" in back.text
    assert "marked the fire as wrong" in back.text
    assert "pinkslip reinstate" not in back.text


async def test_it_is_served_under_the_strict_policy_with_scripts_of_ours_only(
    served: Served, announced: StoredDecision
) -> None:
    async with served.session.get(f"/decisions/{announced.id}") as response:
        policy = response.headers["Content-Security-Policy"]
        page = Reader(await response.text())

    assert "unsafe" not in policy
    assert not {"style", "onclick", "onsubmit"} & page.attributes
    assert all(address.startswith(("/", "#")) for address in page.addresses)
    assert sum(address.endswith(".js") for address in page.addresses) == 2
    for address in page.addresses:
        if address.startswith("/static/"):
            async with served.session.get(address) as response:
                assert response.status == 200


async def test_what_strangers_wrote_stays_text_in_words_and_in_commands(
    served: Served, backend: MemoryBackend
) -> None:
    hostile = "<script>alert(1)</script>'; rm -rf ~ #\n\x1b[2J"
    decision = backend.decide(
        agent_id=hostile, policy=hostile, context=hostile, guard_detail=hostile
    )
    backend.wait(decision)

    page = await read(served, f"/decisions/{decision.id}")

    assert page.tags.count("script") == 2
    quoted = "pinkslip why '<script>alert(1)</script>'\"'\"'; rm -rf ~ #"
    assert quoted in page.text


@pytest.mark.parametrize("path", ["/decisions/nothing", "/decisions/%00", "/decisions/a%2Fb"])
async def test_a_decision_nobody_made_is_refused(served: Served, path: str) -> None:
    status, problem = await served.get(path)

    assert status in {404, 422}
    assert problem["detail"]


async def test_a_veto_is_asked_for_once_more_and_then_done_in_a_browser(
    served: Served, backend: MemoryBackend, announced: StoredDecision
) -> None:
    chromium = shutil.which("chromium")
    assert chromium, "install the Debian package chromium"
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text))
        await page.goto(f"http://127.0.0.1:{served.port}/decisions/{announced.id}#veto")
        await page.get_by_role("button", name="Leave it").click()
        assert not backend.acts

        await page.get_by_role("button", name="Veto").click()
        await page.get_by_label("Why?").fill("known <b>outage</b>")
        await page.locator("dialog").get_by_role("button", name="Veto").click()
        await page.wait_for_selector("text=“known <b>outage</b>”")

        assert backend.acts == [f"vetoed {announced.id}"]
        assert await page.locator("button[data-act]").count() == 0
        assert not complaints
        await browser.close()


async def test_a_refusal_is_shown_where_the_person_looks(
    served: Served, backend: MemoryBackend, announced: StoredDecision
) -> None:
    chromium: Any = shutil.which("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{served.port}/decisions/{announced.id}#veto")
        backend.facts = replace(backend.facts, waiting=())

        await page.locator("dialog").get_by_role("button", name="Veto").click()

        await page.wait_for_selector("text=Not done: nothing waits on it any more")
        await browser.close()
