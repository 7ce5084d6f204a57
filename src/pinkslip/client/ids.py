"""Event ids: UUIDv7, so that they arrive in the order of time, which databases index far faster."""

import secrets
import threading
import time
import uuid


class EventIds:
    """UUIDv7s that only ever grow within one process, whatever the wall clock does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_ms = 0
        self._counter = 0

    def make(self) -> str:
        """A new id."""
        with self._lock:
            now_ms = time.time_ns() // 1_000_000
            if now_ms > self._last_ms:
                self._last_ms, self._counter = now_ms, secrets.randbits(11)
            else:
                self._counter += 1
                if self._counter > 0xFFF:
                    self._last_ms, self._counter = self._last_ms + 1, 0
            at_ms, counter = self._last_ms, self._counter
        bits = (at_ms & (2**48 - 1)) << 80 | 0x7 << 76 | counter << 64
        return str(uuid.UUID(int=bits | 0b10 << 62 | secrets.randbits(62)))
