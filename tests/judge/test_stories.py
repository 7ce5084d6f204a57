"""Whole stories, word for word: whatever the judge says of them is written down beside them."""

from collections.abc import Callable, Iterator

import pytest
from tests.judge.stories import STORIES, Line, expected, written


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_a_story_is_told_word_for_word(story: Callable[[], Iterator[Line]]) -> None:
    assert (
        written(story).splitlines() == expected(story).read_text(encoding="utf-8").splitlines()
    )
