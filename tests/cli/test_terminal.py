"""What a person sees on a terminal: tables that fit, a list that stays, and an end without words."""

from pathlib import Path

from tests.cli.conftest import ODD
from tests.cli.terminals import pinkslip
from tests.running import Running, start

CTRL_C = "\x03"


def test_a_table_fits_the_terminal_and_loses_nothing(service: Running) -> None:
    terminal = pinkslip("agents", url=service.url, columns=80)

    code = terminal.end()

    lines = terminal.text.splitlines()
    assert code == 0
    assert lines[0].split() == [
        "AGENT",
        "ROLE",
        "STATUS",
        "STANDING",
        "BEAT",
        "OK/TASKS",
        "TASK",
    ]
    assert max(map(len, lines)) <= 80
    assert "[red]x[/red]" in "".join(line[:30] for line in lines).replace(" ", "")
    assert "\x1b[2J" not in terminal.raw
    assert "\x9b" not in terminal.raw


def test_decisions_stand_in_two_lines_with_their_evidence_whole(service: Running) -> None:
    terminal = pinkslip("decisions", "--agent", "bad-1", url=service.url, columns=80)

    code = terminal.end()

    heading, head, under = terminal.text.splitlines()[:3]
    (decision,) = service.decisions("&agentId=bad-1")
    assert code == 0
    assert heading.split() == ["AT", "VERDICT", "AGENT", "BY"]
    assert head.split()[2:] == ["fired", "bad-1", "dumb"]
    assert under == f"    {decision['id']}  {decision['evidence']['words']}"


def test_the_watched_list_is_renewed_until_ctrl_c_and_ends_with_0(service: Running) -> None:
    service.beat("watched-1", currentTask="first")
    terminal = pinkslip("agents", "--watch", "--search", "watched", url=service.url)
    seen = terminal.wait_for("first")

    service.beat("watched-1", status="WORKING", currentTask="second")
    terminal.wait_for("second", after=seen)
    terminal.press(CTRL_C)

    assert terminal.end() == 0
    assert "Traceback" not in terminal.text
    assert terminal.raw.endswith("\x1b[?25h\x1b[?1049l")  # the cursor and the screen are back


def test_the_watched_list_outlives_the_service_and_says_since_when(tmp_path: Path) -> None:
    service = start(tmp_path)
    service.beat("left-alone")
    terminal = pinkslip("agents", "--watch", url=service.url)
    seen = terminal.wait_for("left-alone")

    service.stop()
    seen = terminal.wait_for("Away since", after=seen)
    terminal.wait_for("left-alone", after=seen)
    terminal.press(CTRL_C)

    assert terminal.end() == 0


def test_an_odd_name_is_watched_as_it_is(service: Running) -> None:
    terminal = pinkslip("agents", "--watch", "--search", "Grüße", url=service.url, columns=150)

    terminal.wait_for(ODD[:31])
    terminal.press(CTRL_C)

    assert terminal.end() == 0
