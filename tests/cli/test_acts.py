"""What people do to agents and to policies, from the command line, against a real service."""

import json
from pathlib import Path

from tests.cli.conftest import Pinkslip
from tests.running import Running, eventually


def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    pinkslip: Pinkslip, service: Running
) -> None:
    service.beat("act-dry")

    done = pinkslip("fire", "act-dry", "--reason", "dumb", "--dry-run")

    assert done.exit_code == 0
    assert done.output.startswith("act-dry would be marked TERMINATED.")
    assert service.agent("act-dry")["standing"] == "active"


def test_fire_reinstate_and_why_tell_one_story(pinkslip: Pinkslip, service: Running) -> None:
    service.beat("act-1", status="WORKING")

    fired = pinkslip("fire", "act-1", "--reason", "derailed", "--context", "wrong repository")
    again = pinkslip("fire", "act-1", "--reason", "dumb")
    back = pinkslip("reinstate", "act-1", "--wrong", "--context", "it was the right one")
    why = pinkslip("why", "act-1").output

    assert fired.output.startswith("act-1 is marked TERMINATED.")
    assert again.exit_code == 4
    assert "was fired at" in again.stderr
    assert "wrong repository" in again.stderr
    assert back.output == "act-1 is back: incarnation 2, IDLE\n"
    assert "as derailed by" in why
    assert "wrong repository" in why
    assert "the fire was wrong" in why


def test_a_fire_by_hand_is_explained_as_one(pinkslip: Pinkslip, service: Running) -> None:
    service.beat("act-2")
    answer = json.loads(pinkslip("fire", "act-2", "--reason", "dumb", "--json").output)

    done = pinkslip("explain", answer["decisionId"])
    stored = str(service.log.parent / "pinkslip.db")
    offline = pinkslip("explain", answer["decisionId"], "--database", stored)

    assert (done.exit_code, offline.exit_code) == (0, 0)
    assert offline.output == done.output
    assert done.output.endswith("A person decided; there is nothing to compute again.\n")


def test_a_protected_agent_is_fired_only_by_force(pinkslip: Pinkslip, service: Running) -> None:
    service.beat("act-3")

    protected = pinkslip("protect", "act-3", "--for", "1h30m", "--context", "release day")
    refused = pinkslip("fire", "act-3", "--reason", "dumb")
    forced = pinkslip("fire", "act-3", "--reason", "dumb", "--force")

    assert protected.output.startswith("act-3 is protected until 2")
    assert refused.exit_code == 4
    assert "protected" in refused.stderr
    assert forced.exit_code == 0


def test_a_protection_can_be_lifted(pinkslip: Pinkslip, service: Running) -> None:
    service.beat("act-4")
    pinkslip("protect", "act-4", "--for", "2h")

    assert pinkslip("protect", "act-4", "--lift").output == "act-4 is no longer protected\n"
    assert service.agent("act-4")["protectedUntil"] is None


def test_a_quarantine_and_a_release_are_told_in_one_story(
    pinkslip: Pinkslip, service: Running
) -> None:
    service.beat("act-5")

    paused = pinkslip("quarantine", "act-5", "--for", "1h", "--reason", "it loops")
    orders = service.beat("act-5").body["orders"]
    why = pinkslip("why", "act-5").output
    released = pinkslip("release", "act-5", "--reason", "it was the tool")
    report = pinkslip("audit", "report", "act-5").output

    assert paused.output.startswith("act-5 is in quarantine until 2")
    assert [order["type"] for order in orders] == ["pause"]
    assert why.startswith("act-5: IDLE, standing quarantined until 2")
    assert "dumb (enforce): it is not about this agent" in why
    assert released.output == "act-5 is active again\n"
    assert "They gave this reason: “it loops”" in report
    assert "A person (local) let act-5 go" in report


def test_an_outcome_is_reviewed_by_its_event_id(pinkslip: Pinkslip, service: Running) -> None:
    body = {"result": "success", "eventId": "task/7", "score": 0.5}
    service.post("/api/agents/act-6/outcomes", body)

    done = pinkslip("review", "task/7", "--score", "0.75", "--comment", "half of it")

    assert done.output == "task/7 scores 0.75; it was 0.5\n"
    assert service.agent("act-6")["totals"]["meanScore"] == 0.75


def test_a_silence_is_begun_seen_and_ended(pinkslip: Pinkslip, service: Running) -> None:
    service.beat("act-7", role="acting")

    begun = pinkslip(
        "silence", "add", "--match", "role=acting", "--for", "30m", "--reason", "deploy"
    )
    status = pinkslip("status").output
    why = pinkslip("why", "act-7").output
    (ident,) = [one["id"] for one in json.loads(pinkslip("silence", "list", "--json").output)]
    ended = pinkslip("silence", "end", ident)

    assert begun.output.startswith("1 agent silenced until 2")
    assert "1 agent silenced by local until 2" in status
    assert "silenced by local until 2" in why
    assert ended.output == "Policies look again at agents whose role is acting\n"
    assert pinkslip("silence", "list").output == "No silence is in force.\n"


def test_the_record_is_verified_and_each_policy_tells_how_it_fares(pinkslip: Pinkslip) -> None:
    verified = pinkslip("audit", "verify")
    status = pinkslip("policy", "status").output.splitlines()
    since = json.loads(pinkslip("policy", "status", "--since", "1d", "--json").output)

    assert verified.exit_code == 0
    assert verified.output.startswith("The record is intact: ")
    assert status[1].split()[:2] == ["dumb", "enforce"]
    assert "fired 1" in status[1]
    assert "fire 1" in status[2]  # what the policy in shadow would have done
    assert since["policies"][0]["verdicts"]["fired"] == 1


def test_policies_are_checked_against_what_the_fleet_has_shown(
    pinkslip: Pinkslip, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(
        "version: 1\npolicies:\n  - name: x\n    match: {role: testr}\n"
        "    when: refusals[1h] > 3\n"
    )

    alone = pinkslip("policy", "check", str(file))
    beside = pinkslip("policy", "check", str(file), "--service")

    assert (alone.exit_code, beside.exit_code) == (0, 0)
    assert "warning" not in alone.output
    assert 'did you mean "tester"?' in beside.output
    assert "refused" in beside.output


def test_enforcement_stops_and_resumes_and_says_who_and_why(pinkslip: Pinkslip) -> None:
    stopped = pinkslip("enforcement", "stop", "--reason", "a bad release")
    status = pinkslip("status").output
    resumed = pinkslip("enforcement", "resume", "--reason", "it was rolled back")

    assert stopped.output.startswith("Stopped in this workspace since 2")
    assert "a bad release" in stopped.output
    assert "pinkslip enforcement resume --reason" in stopped.output
    assert "Enforcement is stopped since" in status
    assert resumed.output == "Policies may act.\n"


def test_a_stop_everywhere_is_ended_everywhere(pinkslip: Pinkslip) -> None:
    stopped = pinkslip("enforcement", "stop", "--reason", "fire drill", "--everywhere")
    resumed = pinkslip("enforcement", "resume", "--reason", "over", "--everywhere")

    assert "pinkslip enforcement resume --everywhere" in stopped.output
    assert resumed.output == "Policies may act.\n"


def test_policies_with_errors_stay_out_and_show_says_so(
    pinkslip: Pinkslip, service: Running
) -> None:
    file = service.log.parent / "policies.yaml"
    good = file.read_text()
    file.write_text(good.replace("success_rate", "sucess_rate"))
    try:
        service.post("/-/reload")
        shown = pinkslip("policy", "show").output
        status = pinkslip("status").output
    finally:
        file.write_text(good)
        service.post("/-/reload")
    eventually(lambda: not service.get("/api/policies").body["reloadFailed"])

    assert "policies.yaml:" in shown
    assert 'there is no measure "sucess_rate"' in shown
    assert "stays in force" in shown
    assert "older ones are in force" in status
