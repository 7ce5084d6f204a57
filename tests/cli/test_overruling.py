"""What people decide about what policies decided: every command with its words, its JSON and its refusals."""

import dataclasses
import json
import re

import pytest
from msgspec.structs import replace
from tests.cli.conftest import Pinkslip
from tests.web.backend import NOW, MemoryBackend

from pinkslip.cli.exits import Exit
from pinkslip.judge.conclusions import Cause, Deploy
from pinkslip.judge.guards.envelope import PoolLimit
from pinkslip.model.decisions import Consulted, Evidence, Statistic
from pinkslip.model.events import Outcome
from pinkslip.model.facts import Demoted
from pinkslip.model.words import (
    Action,
    ActorKind,
    EpisodeState,
    Guard,
    Mode,
    Result,
    Standing,
    Verdict,
)
from pinkslip.policies.known import Known
from pinkslip.store.chain import BrokenLink, ChainReport
from pinkslip.store.views import PolicyCount, StoredDecision


@pytest.fixture
def announced(backend: MemoryBackend) -> StoredDecision:
    """A fire that waits."""
    backend.add("a", standing=Standing.NOTICE)
    decision = backend.decide(verdict=Verdict.NOTICED)
    backend.wait(decision, until=NOW + 300_000)
    return decision


# standings


def test_a_quarantine_says_until_when_and_a_release_ends_it(
    asked: Pinkslip, backend: MemoryBackend
) -> None:
    backend.add("a")
    backend.time = 0  # the command's own clock is the real one

    paused = asked("quarantine", "a", "--for", "1h30m", "--reason", "it loops")
    released = asked("release", "a", "--reason", "it was the tool")
    again = asked("release", "a")

    assert re.fullmatch(r"a is in quarantine until 2\S+ \S+Z\n", paused.output)
    assert released.output == "a is active again\n"
    assert again.exit_code == Exit.REFUSED
    assert again.stderr == "pinkslip: a is active; there is nothing to release it from\n"


def test_the_reason_may_be_called_context_too(asked: Pinkslip, backend: MemoryBackend) -> None:
    backend.add("a")

    asked("fire", "a", "--reason", "dumb")
    done = asked("reinstate", "a", "--context", "a mistake", "--json")

    assert json.loads(done.output)["standing"] == "active"


# rulings


def test_what_waits_is_shown_with_the_command_that_stops_it(
    asked: Pinkslip, announced: StoredDecision
) -> None:
    expected = [
        "Not before 2026-11-18 11:11:40Z failing would fire a: 1 of 5 tasks succeeded",
        f"  pinkslip veto {announced.id} --reason '...' stops it",
    ]

    status = asked("status").output.splitlines()
    enforcement = asked("enforcement", "status").output.splitlines()

    assert enforcement[-2:] == expected
    assert set(expected) <= set(status)


@pytest.mark.parametrize(
    ("words", "said"),
    [("5 of 5 tasks succeeded", "5 of 5 tasks succeeded"), ("", "it cannot be told")],
)
def test_what_waits_while_its_condition_does_not_hold_says_so(
    asked: Pinkslip, backend: MemoryBackend, words: str, said: str
) -> None:
    backend.wait(backend.decide(verdict=Verdict.NOTICED), holds=False, words=words)

    output = asked("status").output

    does_not_hold = "it does not hold just now, and nothing happens before it does"
    assert f"failing would fire a: {said}; {does_not_hold}" in output


@pytest.mark.parametrize(
    ("until", "said"),
    [
        (NOW, " (its time passed on 2026-11-18 11:06:40Z)"),
        (NOW + 1_000, " until 2026-11-18 11:06:41Z"),
        (None, ""),
    ],
)
def test_a_notice_does_not_end_with_its_time(
    asked: Pinkslip, backend: MemoryBackend, until: int | None, said: str
) -> None:
    backend.add("a", standing=Standing.NOTICE, standing_until=until)

    assert asked("why", "a").output.startswith(f"a: IDLE, standing notice{said}, incarnation")


def test_a_question_is_shown_with_the_command_that_allows_it(
    asked: Pinkslip, backend: MemoryBackend
) -> None:
    decision = backend.decide(verdict=Verdict.ASKED)
    backend.wait(decision, state=EpisodeState.AWAITING, until=None)

    output = asked("status").output

    assert "Approval asked: failing would fire a: 1 of 5 tasks succeeded" in output
    assert f"pinkslip approve {decision.id} allows it, veto stops it" in output


def test_what_was_approved_and_does_not_hold_just_now_says_so(
    asked: Pinkslip, backend: MemoryBackend
) -> None:
    decision = backend.decide(verdict=Verdict.ASKED)
    backend.wait(decision, state=EpisodeState.NOTICED, until=None, holds=False)

    assert "Approved: failing would fire a: " in asked("status").output


@pytest.mark.parametrize(
    ("ruling", "said"),
    [
        ("veto", "A person (local) stopped policy failing from firing a."),
        ("approve", "A person (local) allowed policy failing to fire a as underperforming."),
    ],
)
def test_a_ruling_says_what_was_recorded_and_a_second_one_what_became_of_it(
    asked: Pinkslip, announced: StoredDecision, ruling: str, said: str
) -> None:
    done = asked(ruling, announced.id, "--reason", "known outage")
    again = asked(ruling, announced.id)
    unknown = asked(ruling, "nothing")

    assert (done.exit_code, done.output.endswith(f"Z {said}\n")) == (0, True)
    assert (again.exit_code, unknown.exit_code) == (Exit.REFUSED, Exit.REFUSED)
    assert again.stderr == "pinkslip: nothing waits on it any more: it was vetoed by ann\n"


def test_a_ruling_as_json_is_the_record(asked: Pinkslip, announced: StoredDecision) -> None:
    record = json.loads(asked("veto", announced.id, "--json").output)

    assert (record["verdict"], record["actorKind"]) == ("vetoed", "person")


# reviews


def test_a_review_says_the_score_and_what_it_was(
    asked: Pinkslip, backend: MemoryBackend
) -> None:
    backend.outcomes["e"] = Outcome(result=Result.SUCCESS, event_id="e")

    first = asked("review", "e", "--score", "0.25", "--comment", "half done")
    second = asked("review", "e", "--score", "1")

    assert first.output == "e scores 0.25\n"
    assert second.output == "e scores 1; it was 0.25\n"
    assert asked("review", "nothing", "--score", "1").exit_code == Exit.REFUSED


# silences


def test_a_silence_is_added_listed_and_ended(asked: Pinkslip, backend: MemoryBackend) -> None:
    backend.add("a")

    added = asked(
        "silence", "add", "--match", "role=writer", "--match", "role=editor",
        "--match", "model=~gpt.*", "--for", "30m", "--reason", "deploy",
    )  # fmt: skip
    listed = asked("silence", "list").output.splitlines()
    ended = asked("silence", "end", "silence-1")
    none = asked("silence", "list")
    everything = asked("silence", "list", "--all", "--json")

    assert added.output == (
        "1 agent silenced until 2026-11-18 11:36:40Z\n  pinkslip silence end silence-1 ends that\n"
    )
    assert listed[0].split() == ["BEGAN", "ENDS", "AGENTS", "BY", "ID", "WHOM", "WHY"]
    assert (
        listed[1]
        .split(maxsplit=7)[-1]
        .startswith("role is editor or writer, and model is like")
    )
    assert ended.output.startswith(
        "Policies look again at agents whose role is editor or writer"
    )
    assert none.output == "No silence is in force.\n"
    assert json.loads(everything.output)[0]["match"]["model"] == ["~gpt.*"]
    assert asked("silence", "end", "silence-1").exit_code == Exit.REFUSED


def test_a_silence_that_takes_in_many_is_refused_with_the_way_out(
    asked: Pinkslip, backend: MemoryBackend
) -> None:
    for name in "abc":
        backend.add(name)
    arguments = ("silence", "add", "--match", "role=x", "--for", "1h", "--reason", "deploy")

    refused = asked(*arguments)
    forced = asked(*arguments, "--force")

    assert (refused.exit_code, "3 of 3 agents" in refused.stderr) == (Exit.REFUSED, True)
    assert forced.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--match", "writer"], "'writer' is no matcher; write for example role=writer"),
        (["--match", "=writer"], "is no matcher"),
        (["--match", "rol=writer"], 'agents have no field "rol"; did you mean "role"?'),
        (["--match", "role=~("], "/match/role: "),
        (["--match", "role=x", "--for", "31d"], "more than 30 days ahead"),
    ],
)
def test_what_cannot_be_a_silence_is_2_and_says_why(
    asked: Pinkslip, arguments: list[str], said: str
) -> None:
    spans = [] if "--for" in arguments else ["--for", "1h"]

    done = asked("silence", "add", *arguments, *spans, "--reason", "deploy")

    assert (done.exit_code, said in done.stderr) == (Exit.USAGE, True), done.stderr


def test_status_tells_silences_causes_deploys_and_demotions(
    asked: Pinkslip, backend: MemoryBackend
) -> None:
    asked("silence", "add", "--match", "role=x", "--for", "30m", "--reason", "deploy")
    backend.facts = replace(
        backend.facts,
        causes=(Cause("model", "gpt-9", 12, 14, 1, 60, 1e-9),),
        deploys=(Deploy("dev", NOW, 8, 9),),
    )
    _demote(backend)

    output = asked("status").output
    told = json.loads(asked("status", "--json").output)

    assert "A common cause: 12 of 13 failing agents have model gpt-9" in output
    assert "Mass restart in pool 'dev': 8 of 9 restarted" in output
    assert "Policy failing is in shadow: overruled 2 times within a day" in output
    assert "0 agents silenced by local until 2026-11-18 11:36:40Z: deploy" in output
    assert (told["demoted"], len(told["silences"])) == (["failing"], 1)


# policies


def _demote(backend: MemoryBackend) -> None:
    demoted = Demoted(NOW, 1, "failing", "0123456789abcdef", "overruled 2 times within a day")
    backend.policy_state = replace(backend.policy_state, demoted={"failing": demoted})


def test_policy_status_is_a_line_each_and_then_the_pools(
    asked: Pinkslip, backend: MemoryBackend
) -> None:
    backend.kept_counts = [
        PolicyCount(
            policy="failing",
            verdict=verdict,
            mode=Mode.SHADOW,
            action=Action.FIRE,
            guard=guard,
            count=count,
        )
        for verdict, guard, count in (
            (Verdict.SHADOWED, None, 3),
            (Verdict.HELD, Guard.ENVELOPE, 2),
            (Verdict.FIRED, None, 1),
        )
    ]
    backend.policy_state = replace(
        backend.policy_state,
        matched={"failing": 12},
        limits=(PoolLimit("dev", 5, 1, 3_600_000, 1, "pool dev has 5 agents: at most 1 fire"),),
    )
    _demote(backend)

    lines = asked("policy", "status", "--since", "7d").output.splitlines()
    shown = asked("policy", "show").output

    assert lines[0].split() == [
        "POLICY", "MODE", "MATCHED", "HOLDS", "WAITING", "DID", "WOULD", "HELD", "BY", "OVERRULED"
    ]  # fmt: skip
    assert lines[2].split() == [
        "failing", "demoted", "12", "0", "0", "fired", "1", "fire", "3", "envelope", "2", "0"
    ]  # fmt: skip
    assert lines[3].startswith("failing is in shadow since 2026-11-18 11:06:40Z: overruled")
    assert lines[-1] == "pool dev has 5 agents: at most 1 fire"
    assert "pinkslip policy restore failing" in shown


def test_a_demoted_policy_is_restored_once(asked: Pinkslip, backend: MemoryBackend) -> None:
    _demote(backend)

    done = asked("policy", "restore", "failing", "--reason", "the runbook was wrong")
    again = asked("policy", "restore", "failing")

    assert done.output.endswith("Z A person (local) let policy failing act again.\n")
    assert (again.exit_code, again.stderr) == (
        Exit.REFUSED,
        "pinkslip: policy failing is not demoted\n",
    )


def test_a_check_against_the_service_warns_of_what_nobody_ever_was(
    asked: Pinkslip, backend: MemoryBackend, tmp_path: object
) -> None:
    backend.known_now = Known(
        results=frozenset({Result.SUCCESS}),
        fields={"role": frozenset({"researcher"})},
        labels=frozenset({"zone"}),
    )
    file = f"{tmp_path}/mine.yaml"
    with open(file, "w") as opened:  # noqa: PTH123 - a name for the command line
        opened.write(
            "version: 1\npolicies:\n  - name: x\n    match: {role: reseacher, label.team: y}\n"
            "    when: off_track[1h] > 3\n"
        )

    alone = asked("policy", "check", file)
    beside = asked("policy", "check", file, "--service")

    assert (alone.exit_code, beside.exit_code) == (0, 0)
    assert "researcher" not in alone.output
    assert 'did you mean "researcher"?' in beside.output
    assert "no agent has a label team" in beside.output
    assert "off_track" in beside.output


# audit


def test_a_whole_record_is_0_and_a_broken_one_1(
    asked: Pinkslip, backend: MemoryBackend
) -> None:
    backend.chain = ChainReport(
        workspace_id=1, decisions=4, redacted=1, head=b"\x01\x02", broken=None
    )
    whole = asked("audit", "verify")
    link = BrokenLink(number=5, decision_id="decision-5", problem="its content was changed")
    backend.chain = dataclasses.replace(backend.chain, broken=link)
    broken = asked("audit", "verify")
    as_json = asked("audit", "verify", "--json")

    assert (whole.exit_code, broken.exit_code, as_json.exit_code) == (0, Exit.FOUND, Exit.FOUND)
    assert whole.output.startswith("The record is intact: 4 decisions")
    assert whole.output.endswith("head 0102\n")
    assert "number 5 its content was changed" in broken.output
    assert "record 5 is decision decision-5" in broken.output
    assert json.loads(as_json.output)["state"] == "broken"


def test_a_report_is_text_markdown_or_json(asked: Pinkslip, backend: MemoryBackend) -> None:
    backend.add("a")
    backend.decide()

    text = asked("audit", "report", "a").output
    markdown = asked("audit", "report", "a", "--format", "markdown").output
    as_json = asked("audit", "report", "--since", "2026-11-01", "--format", "json").output

    assert text.startswith("What was decided about a\n====")
    assert "1 of 5 tasks succeeded." in text
    assert markdown.startswith("# What was decided about a\n")
    assert json.loads(as_json)["cases"][0]["agentId"] == "a"
    assert asked("audit", "report", "a", "--json").output.startswith("{")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], Exit.USAGE, "pinkslip audit report --since 7d"),
        (["--since", "lately"], Exit.USAGE, "write how long ago, for example 7d"),
        (["nobody"], Exit.REFUSED, "no agent 'nobody'"),
    ],
)
def test_a_report_on_nothing_says_what_to_ask(
    asked: Pinkslip, arguments: list[str], code: int, said: str
) -> None:
    done = asked("audit", "report", *arguments)

    assert (done.exit_code, said in done.stderr) == (code, True)


# why and explain


def test_why_tells_of_every_policy_how_far_its_evidence_has_come(
    asked: Pinkslip, backend: MemoryBackend
) -> None:
    backend.add("a", standing=Standing.PROBATION, standing_until=NOW + 60_000)
    backend.answers = {
        "rung": 1,
        "rungs": 3,
        "standing": Standing.PROBATION,
        "until": NOW + 60_000,
        "meter": 0.4,
        "waiting_decision": "decision-1",
        "statistics": (Statistic("proven(success < 70%)", 0.8, 2.0, 9, 4, NOW),),
    }

    assert asked("why", "a").output.splitlines() == [
        "a: IDLE, standing probation until 2026-11-18 11:07:40Z, incarnation 1",
        "failing (shadow): success_rate[1h] is unknown: 0 of 5 tasks",
        "  evidence: ########------------ 40 %",
        "  proven(success < 70%) = 0.8, 2 was asked for (4 of 9 tasks succeeded since 2026-11-18 11:06:40Z)",
        "  pinkslip veto decision-1 --reason '...' stops it",
    ]


def test_explain_tells_statistics_guards_and_rung_beside_what_they_come_to_again(
    asked: Pinkslip, backend: MemoryBackend
) -> None:
    decision = backend.decide()
    evidence = replace(
        decision.evidence,
        statistics=(Statistic("proven(success < 70%)", 2.4, 2.0, 40, 12, NOW),),
        guards=(Consulted(Guard.PANIC, False), Consulted(Guard.ENVELOPE, True)),
        rung=2,
        rungs=3,
        until=NOW + 60_000,
    )
    backend.kept_decisions[0] = replace(decision, evidence=evidence)

    output = asked("explain", decision.id).output

    assert (
        "  proven(success < 70%) = 2.4, 2 was asked for (12 of 40 tasks succeeded since "
        "2026-11-18 11:06:40Z)   computed again: unknown" in output
    )
    assert "ladder: step 2 of 3, until 2026-11-18 11:07:40Z" in output
    assert "guards asked: panic, envelope HELD" in output


def test_a_persons_veto_has_nothing_to_compute_again(
    asked: Pinkslip, announced: StoredDecision
) -> None:
    record = json.loads(asked("veto", announced.id, "--reason", "known", "--json").output)

    done = asked("explain", record["id"])

    assert "vetoed a by local" in done.output
    assert done.output.endswith("A person decided; there is nothing to compute again.\n")


@pytest.mark.parametrize(
    ("verdict", "actor_kind", "said"),
    [
        (Verdict.CANCELLED, ActorKind.POLICY, "It rests on no number"),
        (
            Verdict.DEMOTED,
            ActorKind.SERVICE,
            "Pinkslip recorded what followed from people's decisions",
        ),
    ],
)
def test_what_rests_on_no_number_has_nothing_to_compute_again(
    asked: Pinkslip, backend: MemoryBackend, verdict: Verdict, actor_kind: ActorKind, said: str
) -> None:
    gone = Evidence(when="", values={}, words="policy failing was removed", true_since=NOW)
    record = backend.decide(verdict=verdict, actor_kind=actor_kind, evidence=gone)

    done = asked("explain", record.id)

    assert done.exit_code == Exit.OK
    assert "because: policy failing was removed\n" in done.output
    assert done.output.endswith(f"{said}; there is nothing to compute again.\n")
