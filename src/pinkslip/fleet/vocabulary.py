"""Text fields as small codes, so that a matcher looks at each different word once and not at each agent."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pinkslip.fleet.needs import Words
from pinkslip.fleet.slots import Places

_SMALL = 128
"""Vocabularies below this are left alone."""


class Vocabulary:
    """One field of every agent. Words that nobody has any more go when they outnumber the living ones."""

    def __init__(self, capacity: int) -> None:
        self.codes = np.full(capacity, -1, np.int32)
        self.words: list[str] = []
        self.generation = 0
        self._code_of: dict[str, int] = {}
        self._compact_at = _SMALL

    def grow(self, capacity: int) -> None:
        """Room for more slots."""
        longer = np.full(capacity, -1, np.int32)
        longer[: len(self.codes)] = self.codes
        self.codes = longer

    def put(self, slot: int, text: str | None) -> None:
        """What the agent in `slot` now says; None: nothing."""
        if text is None:
            self.codes[slot] = -1
            return
        code = self._code_of.get(text)
        if code is None:
            code = self._learn(text)
        self.codes[slot] = code

    def put_all(self, slots: Places, texts: Sequence[str | None]) -> None:
        """As `put`, many at once. Nothing is dropped meanwhile: until the end nobody has the new words."""
        for text in dict.fromkeys(texts):
            if text is not None and text not in self._code_of:
                self._append(text)
        code_of = self._code_of
        self.codes[slots] = [-1 if text is None else code_of[text] for text in texts]

    def get(self, slot: int) -> str | None:
        """The word of one slot."""
        code = self.codes[slot]
        return self.words[code] if code >= 0 else None

    def texts(self, slots: Places) -> list[str | None]:
        """The words of many slots."""
        if len(slots) < len(self.words):
            return [self.get(slot) for slot in slots.tolist()]
        # code -1 takes the last place, which holds None
        table = np.array([*self.words, None], dtype=object)
        texts: list[str | None] = table[self.codes[slots]].tolist()
        return texts

    def view(self, size: int) -> Words:
        """As matchers read it; stays as it is when the vocabulary is compacted later."""
        return Words(self.codes[:size], self.words, self.generation)

    def _learn(self, text: str) -> int:
        if len(self.words) >= self._compact_at:
            self._compact()
        return self._append(text)

    def _append(self, text: str) -> int:
        code = self._code_of[text] = len(self.words)
        self.words.append(text)
        return code

    def _compact(self) -> None:
        living = np.unique(self.codes[self.codes >= 0])
        self._compact_at = max(_SMALL, 2 * len(living))
        if 3 * len(living) >= 2 * len(
            self.words
        ):  # not worth it yet; and the next look is far enough away
            return
        renamed = np.full(len(self.words) + 1, -1, np.int32)
        renamed[living] = np.arange(len(living), dtype=np.int32)
        self.codes = renamed[self.codes]
        self.words = [self.words[code] for code in living]
        self._code_of = {word: code for code, word in enumerate(self.words)}
        self.generation += 1


def fixed_words(
    codes: NDArray[np.uint8], free: NDArray[np.bool_], words: Sequence[str]
) -> Words:
    """A field whose vocabulary never changes, such as status."""
    places = codes.astype(np.int32)
    places[free] = -1
    return Words(places, words, 0)
