"""The landing page: what it says, and that nothing an agent says becomes markup."""

import re
from html.parser import HTMLParser
from importlib.resources import files

from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from msgspec.structs import replace
from tests.web.backend import NOW, MemoryBackend
from tests.web.conftest import Served

from pinkslip.judge.conclusions import Cause, Deploy, PanicPool
from pinkslip.model.facts import Demoted, Silence
from pinkslip.model.words import EpisodeState, Standing, Status, Verdict
from pinkslip.policies.load import Source, load
from pinkslip.store.views import Stopped, StoredSilence
from pinkslip.web.backend import SilenceState
from pinkslip.web.overview import SHOWN_AGENTS, SHOWN_WAITING


class Reader(HTMLParser):
    """The page's text, tags and addresses."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.add(name)
            if name in {"href", "src", "action"}:
                self.addresses.append(value or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


async def read(served: Served, path: str = "/") -> Reader:
    async with served.session.get(path) as response:
        assert response.status == 200
        assert response.content_type == "text/html"
        return Reader(await response.text())


async def test_it_says_who_works_on_what(served: Served, backend: MemoryBackend) -> None:
    backend.time = NOW + 125_000
    backend.add(
        "worker",
        name="Ada",
        role="writer",
        model="glm",
        status=Status.WORKING,
        current_task="write the report",
        task_since=NOW,
        last_heartbeat=NOW + 110_000,
        tasks=10,
        successes=6,
        failed=(2, 2, 0, 0, 0, 0),
    )
    backend.add("silent", is_stale=True)

    page = await read(served)

    assert "write the report for 2 min 5 s" in page.text
    assert "15 s ago" in page.text
    assert "75 %" in page.text  # of what was its own to decide
    assert page.text.index("silent") < page.text.index("Ada")
    assert "never" in page.text


async def test_it_says_who_was_fired_and_why(served: Served, backend: MemoryBackend) -> None:
    view = backend.add("gone", standing=Standing.FIRED, fired_count=1)
    decision = backend.decide(agent_id="gone", agent_no=view.agent_no)

    page = await read(served)

    assert "gone underperforming" in page.text
    assert "1 of 5 tasks succeeded by policy failing" in page.text
    assert f"/decisions/{decision.id}" in page.addresses


async def test_it_shows_policies_with_their_modes(served: Served) -> None:
    page = await read(served)

    assert "2 policies, 1 enforcing" in page.text
    assert "unresponsive enforce fire as unresponsive" in page.text
    assert "success_rate[1h] < 50%" in page.text


async def test_what_must_be_known_first_stands_first(
    served: Served, backend: MemoryBackend
) -> None:
    backend.time = NOW + 3_600_000
    calm = await read(served)
    backend.stopped = Stopped(at=NOW, actor="ann", reason="deploy")
    backend.facts = replace(backend.facts, panics=(PanicPool("dev", NOW, 5, 9),), zombies=2)
    problems = load([Source("x.yaml", "version: 1\npolicies: 5\n")]).problems
    backend.policy_state = replace(backend.policy_state, reload_failed=True, problems=problems)

    page = await read(served)

    assert "Enforcement" not in calm.text
    assert "Enforcement is stopped in this workspace since 1 h ago by ann: deploy" in page.text
    assert "Panic in pool 'dev' 5 of 9" in page.text
    assert "2 fired but still reporting" in page.text
    assert "could not be reloaded" in page.text
    assert "x.yaml:2" in page.text


async def test_what_waits_for_a_person_stands_first_with_the_way_to_it(
    served: Served, backend: MemoryBackend
) -> None:
    announced = [backend.decide(verdict=Verdict.NOTICED) for _ in range(SHOWN_WAITING + 2)]
    for place, decision in enumerate(announced):
        backend.wait(decision, until=NOW + 900_000 - place * 60_000)
    asked = backend.decide(verdict=Verdict.ASKED)
    backend.wait(asked, state=EpisodeState.AWAITING, until=None, words="asked <b>you</b>")

    page = await read(served)

    assert "In 9 min failing would fire a" in page.text
    assert page.text.index("In 9 min") < page.text.index("In 10 min")
    assert "3 more wait" in page.text
    assert f"/decisions/{announced[-1].id}" in page.addresses
    assert "8 waiting" in page.text

    backend.facts = replace(backend.facts, waiting=backend.facts.waiting[-1:])
    backend.wait(announced[0], until=NOW - 1)
    page = await read(served)

    assert "Its notice over, failing would fire a" in page.text

    assert "Approval asked: failing would fire a asked <b>you</b>" in page.text
    assert f"/decisions/{asked.id}" in page.addresses


async def test_what_holds_and_what_people_set_is_told(
    served: Served, backend: MemoryBackend
) -> None:
    silence = Silence("s", (("role", ("dev",), ()),), "ann", "deploy", NOW, NOW + 60_000)
    demoted = Demoted(NOW, 1, "failing", "0123456789abcdef", "overruled 2 times within a day")
    backend.facts = replace(
        backend.facts,
        causes=(Cause("model", "gpt-9", 12, 14, 1, 60, 1e-9),),
        deploys=(Deploy("dev", NOW, 8, 9),),
        silences=(
            SilenceState(stored=StoredSilence(silence=silence, created_at=NOW), matched=4),
        ),
        demoted=(demoted,),
        refused=3,
    )
    backend.policy_state = replace(backend.policy_state, demoted={"failing": demoted})

    page = await read(served)

    assert "12 of 13 failing agents have model gpt-9" in page.text
    assert "Mass restart in pool 'dev' 8 of 9 restarted" in page.text
    assert "4 agents silenced agents whose role is dev are silenced by ann" in page.text
    assert "Policy failing is in shadow since now: overruled 2 times within a day" in page.text
    assert "overruled, in shadow" in page.text
    assert "3 reports of fired workers refused" in page.text
    assert "/api/silences?active=true" in page.addresses


async def test_an_empty_fleet_is_told_how_to_begin(served: Served) -> None:
    page = await read(served)

    assert "No agent has reported yet" in page.text
    assert f"curl http://127.0.0.1:{served.port}/api/agents/my-agent/heartbeat" in page.text


async def test_a_large_fleet_is_cut_and_can_be_searched(
    served: Served, backend: MemoryBackend
) -> None:
    for number in range(SHOWN_AGENTS + 20):
        backend.add(f"agent-{number:03}")

    page = await read(served)
    found = await read(served, "/?q=agent-117")
    nothing = await read(served, "/?q=nobody")

    assert "and 20 more" in page.text
    assert "agent-117" in found.text
    assert "agent-116" not in found.text
    assert "None of the 120 live agents matches" in nothing.text


async def test_it_is_served_under_a_strict_policy_and_asks_nobody_else(served: Served) -> None:
    async with served.session.get("/") as response:
        policy = response.headers["Content-Security-Policy"]
        page = Reader(await response.text())

    assert policy.startswith("default-src 'self'")
    assert "unsafe" not in policy
    assert not {"style", "onclick", "onload"} & page.attributes
    assert "style" not in page.tags
    assert all(address.startswith(("/", "#")) for address in page.addresses)
    for address in page.addresses:
        if address.startswith("/static/"):
            async with served.session.get(address) as response:
                assert response.status == 200
                assert "immutable" in response.headers["Cache-Control"]
    assert (await served.get("/static/nothing.js"))[0] == 404


def test_nothing_we_ship_refers_to_another_site() -> None:
    for place in ("static", "templates"):
        for file in files("pinkslip.web").joinpath(place).iterdir():
            text = file.read_text().replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?://|//[a-z]+\.", text), file.name


async def test_what_agents_say_stays_text(served: Served, backend: MemoryBackend) -> None:
    hostile = "<script>alert(1)</script>'\"><img src=x onerror=y>{{ 7 * 7 }}"
    backend.add(hostile, name=hostile, role=hostile, current_task=hostile, last_error=hostile)
    backend.decide(agent_id=hostile, context=hostile, reason=hostile, policy=hostile)

    page = await read(served)

    assert page.tags.count("script") == 1
    assert page.tags.count("img") == 1
    assert "onerror" not in page.attributes
    assert hostile in page.text


@settings(max_examples=30, deadline=None)
@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_any_text_is_escaped(text: str) -> None:
    rendered = (
        Environment(autoescape=True)
        .from_string("<p title='{{ x }}'>{{ x }}</p>")
        .render(x=text)
    )

    assert Reader(rendered).tags == ["p"]
