"""What the commands that only ask answer, about a fleet that has had its troubles."""

import json

from tests.cli.conftest import ODD, Pinkslip
from tests.running import Running

SHOWN = "\\x1b[2Jgone \\x9b31m\\u202eevil fired for nothing"


def test_status_is_the_fleet_in_a_few_lines(pinkslip: Pinkslip) -> None:
    lines = pinkslip("status").output.splitlines()

    assert lines[0] == "3 agents: 1 IDLE, 2 WORKING"
    assert lines[1] == "2 policies, 1 enforcing"
    assert lines[2].startswith("fired 2")
    assert "bad-1: dumb, 6 tasks in its last 10 tasks" in lines[2]


def test_status_as_json_says_the_same(pinkslip: Pinkslip) -> None:
    said = json.loads(pinkslip("status", "--json").output)

    assert (said["agents"], said["byStatus"]) == (3, {"WORKING": 2, "IDLE": 1})
    assert (said["policies"], said["enforcing"], said["stale"]) == (2, 1, [])
    assert said["enforcement"]["enabled"] is True
    assert said["fires"][0]["agentId"] == "bad-1"


def test_agents_in_a_pipe_are_a_line_each_and_text_is_only_text(pinkslip: Pinkslip) -> None:
    heading, *rows = pinkslip("agents").output.splitlines()

    assert heading.split() == [
        "AGENT",
        "ROLE",
        "STATUS",
        "STANDING",
        "BEAT",
        "OK/TASKS",
        "TASK",
    ]
    assert [row.split()[0] for row in rows] == ["good-1", "team", "lost-1"]
    assert rows[0].split()[1:4] == ["tester", "WORKING", "active"]
    assert rows[1].startswith(ODD)
    assert rows[1].endswith(SHOWN)


def test_no_escape_of_a_stranger_reaches_the_screen_in_any_form(pinkslip: Pinkslip) -> None:
    for arguments in (["agents"], ["agents", "--json"], ["status"], ["why", ODD]):
        output = pinkslip(*arguments).output

        assert all(letter.isprintable() or letter == "\n" for letter in output), arguments


def test_json_holds_what_was_said_although_it_is_escaped(pinkslip: Pinkslip) -> None:
    agents = json.loads(pinkslip("agents", "--json", "--search", "Grüße").output)

    assert [agent["agentId"] for agent in agents] == [ODD]
    assert agents[0]["currentTask"].startswith("\x1b[2Jgone \x9b31m\u202eevil")


def test_agents_can_be_chosen(pinkslip: Pinkslip) -> None:
    working = pinkslip("agents", "--status", "WORKING", "--role", "tester", "--role", "x")
    none = pinkslip("agents", "--role", "nobody")
    fired = pinkslip("agents", "--include", "fired", "--search", "bad")

    assert [line.split()[0] for line in working.output.splitlines()] == ["AGENT", "good-1"]
    assert none.output == "No agent is like that.\n"
    assert "TERMINATED" in fired.output


def test_a_list_that_is_cut_says_so_beside_the_list(pinkslip: Pinkslip) -> None:
    done = pinkslip("agents", "--limit", "2")

    assert len(done.stdout.splitlines()) == 3
    assert done.stderr == "Only the first 2; --limit shows more.\n"


def test_lists_longer_than_a_page_are_whole(service: Running, pinkslip: Pinkslip) -> None:
    service.events(
        *(
            {"type": "session", "sessionKey": f"many-{n}", "agentId": "good-1"}
            for n in range(600)
        )
    )

    whole = json.loads(pinkslip("sessions", "--json", "--limit", "9999").output)

    assert len({session["sessionKey"] for session in whole}) == 601


def test_why_tells_of_the_fire_and_its_order(pinkslip: Pinkslip) -> None:
    lines = pinkslip("why", "bad-1").output.splitlines()

    assert lines[0] == "bad-1: TERMINATED, standing fired, incarnation 1"
    assert " as dumb by policy dumb: 6 tasks in its last 10 tasks" in lines[1]
    assert lines[2].startswith("  order: ")


def test_why_finds_an_agent_whatever_its_id_holds(pinkslip: Pinkslip) -> None:
    lines = pinkslip("why", ODD).output.splitlines()

    assert lines[0].startswith(f"{ODD}: WORKING, standing active")
    assert lines[1].startswith("derailed (shadow): ") or lines[1].startswith("dumb (enforce): ")
    assert json.loads(pinkslip("why", ODD, "--json").output)["agentId"] == ODD


def test_decisions_are_a_line_each_newest_first(pinkslip: Pinkslip) -> None:
    done = pinkslip("decisions", "--verdict", "fired").output.splitlines()
    none = pinkslip("decisions", "--agent", "good-1")

    assert done[0].split() == ["AT", "VERDICT", "AGENT", "BY", "ID", "EVIDENCE"]
    assert done[1].split()[2:5] == ["fired", "bad-1", "dumb"]
    assert none.output == "No decision is like that.\n"


def test_explain_works_a_decision_out_again(pinkslip: Pinkslip, service: Running) -> None:
    (decision,) = service.decisions("&verdict=fired&policy=dumb")

    done = pinkslip("explain", decision["id"])
    as_json = json.loads(pinkslip("explain", decision["id"], "--json").output)

    assert done.exit_code == 0
    assert "reason: dumb" in done.output
    assert done.output.endswith("Computed again from the journal: identical.\n")
    assert as_json["recomputed"]["identical"] is True


def test_sessions_of_one_agent_or_of_all(pinkslip: Pinkslip) -> None:
    assert "chat-7" in pinkslip("sessions", "--limit", "9999").output
    assert "chat-7" in pinkslip("sessions", "good-1", "--active", "--limit", "9999").output
    assert pinkslip("sessions", ODD).output == "No sessions.\n"
    assert json.loads(pinkslip("sessions", "--json").stdout)[0]["agentId"] == "good-1"


def test_policies_are_shown_as_they_are_loaded(pinkslip: Pinkslip) -> None:
    lines = pinkslip("policy", "show").output.splitlines()

    assert lines[1].split()[:4] == ["dumb", "enforce", "fire", "dumb"]
    assert lines[2].endswith("off_track[10 tasks] >= 3")
    assert len(json.loads(pinkslip("policy", "show", "--json").output)["policies"]) == 2


def test_enforcement_says_that_policies_may_act(pinkslip: Pinkslip) -> None:
    assert pinkslip("enforcement", "status").output == "Policies may act.\n"
    assert json.loads(pinkslip("enforcement", "status", "--json").output)["enabled"] is True
