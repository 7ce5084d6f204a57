"""Journal time goes forward, by the stopwatch, whatever the wall clock does."""

from hypothesis import given
from hypothesis import strategies as st
from tests.clocks import ManualClock

from pinkslip.store.instants import Instants


def test_it_starts_at_the_wall_or_just_after_what_there_is() -> None:
    clock = ManualClock(wall_ms=1_000)

    assert Instants(clock, after=0).now() == 1_000
    assert Instants(clock, after=5_000).now() == 5_001
    assert Instants(clock, after=5_000).wall_offset_ms == -4_001


def test_to_start_a_little_after_the_wall_is_no_offset() -> None:
    clock = ManualClock(wall_ms=1_000)
    instants = Instants(clock, after=1_003)

    assert (instants.now(), instants.wall_offset_ms, instants.parting()) == (1_004, 0, None)
    assert Instants(clock, after=2_999).wall_offset_ms == 0
    assert Instants(clock, after=3_000).wall_offset_ms == -2_001


def test_it_goes_with_the_stopwatch_and_not_with_the_wall() -> None:
    clock = ManualClock(wall_ms=1_000)
    instants = Instants(clock, after=0)

    clock.advance(250)
    clock.jump_wall(-900_000)

    assert instants.now() == 1_250
    assert instants.parting() == -900_000


def test_after_a_mark_everything_is_later() -> None:
    instants = Instants(ManualClock(wall_ms=1_000), after=0)

    assert (instants.mark(), instants.now(), instants.now(), instants.mark()) == (
        1_000,
        1_001,
        1_001,
        1_001,
    )


def test_peeking_gives_nothing_out() -> None:
    clock = ManualClock(wall_ms=1_000)
    instants = Instants(clock, after=0)
    clock.advance(10)

    assert (instants.peek(), instants.now()) == (1_010, 1_010)


steps = st.lists(
    st.tuples(st.sampled_from(["now", "mark", "advance", "jump"]), st.integers(0, 10**7))
)


@given(steps)
def test_it_never_goes_back_and_passes_every_mark(taken: list[tuple[str, int]]) -> None:
    clock = ManualClock()
    instants = Instants(clock, after=0)
    newest, is_mark = 0, False
    for what, span in taken:
        match what:
            case "advance":
                clock.advance(span)
            case "jump":
                clock.jump_wall(span - 5 * 10**6)
            case _:
                given_out = instants.mark() if what == "mark" else instants.now()
                assert given_out > newest if is_mark else given_out >= newest
                newest, is_mark = given_out, what == "mark"
