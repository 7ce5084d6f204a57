"""How a fired agent's process ends: `Fired` in the main thread, even when that is asleep.

`Fired` is a `SystemExit` with the documented code, so it passes `except Exception`, unwinds `with` and
`finally`, and ends the process when nobody catches it. To raise it in a main thread that sleeps or waits, that
thread gets a real signal, SIGURG, which by default is ignored and which nearly nobody uses; its handler,
installed by the first reporter made in the main thread, raises. A handler found there is kept and called for
every SIGURG that is not ours.
"""

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

from pinkslip.client.core import Order

logger = logging.getLogger("pinkslip.client")

EXIT_FIRED = 86
"""The exit code of a process that ended because its agent was fired."""

_Handler = Callable[[int, FrameType | None], object] | int | None


class Fired(SystemExit):
    """The agent was fired and must stop."""

    def __init__(self, order: Order) -> None:
        super().__init__(EXIT_FIRED)
        self.order = order

    @property
    def reason(self) -> str | None:
        """Why, in one word."""
        return self.order.reason

    def __str__(self) -> str:
        return f"fired: {self.order.reason or 'no reason given'}"


class _Ending:
    """The one handler of this process and what it is to raise."""

    def __init__(self) -> None:
        self._previous: _Handler = None
        self._is_installed = False
        self._order: Order | None = None

    def install(self) -> bool:
        """Get ready to end the main thread. False when that cannot be done from here."""
        if self._is_installed:
            return True
        number = getattr(signal, "SIGURG", None)
        if number is None or threading.current_thread() is not threading.main_thread():
            return False
        self._previous = signal.getsignal(number)
        signal.signal(number, self._raise)
        self._is_installed = True
        return True

    def end(self, order: Order) -> bool:
        """Raise Fired in the main thread. False when that cannot be done."""
        main = threading.main_thread()
        if not self._is_installed or main.ident is None or not main.is_alive():
            return False
        self._order = order
        signal.pthread_kill(main.ident, signal.SIGURG)
        return True

    def _raise(self, number: int, frame: FrameType | None) -> None:
        order, self._order = self._order, None
        if order is not None:
            raise Fired(order)
        if callable(self._previous):
            self._previous(number, frame)


ending = _Ending()
