"""Words as codes."""

import numpy as np

from pinkslip.fleet.vocabulary import Vocabulary


def words_of(vocabulary: Vocabulary, size: int) -> list[str | None]:
    view = vocabulary.view(size)
    return [view.vocabulary[code] if code >= 0 else None for code in view.codes]


def test_equal_words_share_a_code() -> None:
    vocabulary = Vocabulary(4)
    for slot, word in enumerate(["dev", "ops", "dev", None]):
        vocabulary.put(slot, word)

    assert words_of(vocabulary, 4) == ["dev", "ops", "dev", None]
    assert vocabulary.words == ["dev", "ops"]
    assert vocabulary.texts(np.array([3, 1])) == [None, "ops"]
    assert vocabulary.texts(np.array([3, 1, 0, 2])) == [None, "ops", "dev", "dev"]


def test_words_nobody_has_any_more_go_under_another_generation() -> None:
    vocabulary = Vocabulary(3)
    for number in range(10_000):
        vocabulary.put(number % 3, f"host-{number}")

    assert words_of(vocabulary, 3) == ["host-9999", "host-9997", "host-9998"]
    assert len(vocabulary.words) <= 256
    assert vocabulary.generation > 10


def test_a_view_taken_before_words_were_dropped_still_reads_the_same() -> None:
    vocabulary = Vocabulary(2)
    vocabulary.put(0, "first")
    vocabulary.put(1, "second")
    before = vocabulary.view(2)

    for number in range(500):
        vocabulary.put(1, f"host-{number}")

    assert vocabulary.generation > before.generation
    assert before.vocabulary[before.codes[0]] == "first"


def test_while_everybody_has_a_word_of_their_own_nothing_is_dropped() -> None:
    vocabulary = Vocabulary(5_000)
    for slot in range(5_000):
        vocabulary.put(slot, f"agent-{slot}")

    assert len(vocabulary.words) == 5_000
    assert vocabulary.generation == 0


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    texts = [None if number % 7 == 0 else f"word-{number % 400}" for number in range(1_000)]
    together, each = Vocabulary(1_000), Vocabulary(1_000)

    together.put_all(np.arange(1_000), texts)
    for slot, text in enumerate(texts):
        each.put(slot, text)
    together.put(3, "another")
    each.put(3, "another")

    assert together.texts(np.arange(1_000)) == each.texts(np.arange(1_000))
    assert [together.get(slot) for slot in range(3)] == texts[:3]
