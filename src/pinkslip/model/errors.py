"""The four kinds of refusal. `web` turns them into statuses in one table; nobody else raises HTTP."""


class PinkslipError(Exception):
    """Something a caller is told. The message says what, where and what to do."""

    code = "error"


class Invalid(PinkslipError):
    """What was sent cannot be understood or is not allowed. 422."""

    code = "invalid"


class NotFound(PinkslipError):
    """There is no such thing in this workspace. 404."""

    code = "not_found"


class Conflict(PinkslipError):
    """What was asked no longer fits what is: already fired, another body under the same id. 409.

    `facts` are added to the answer as they are.
    """

    code = "conflict"

    def __init__(self, message: str, **facts: object) -> None:
        super().__init__(message)
        self.facts = facts


class Unavailable(PinkslipError):
    """Not now: no lease, queue full, database away. 503 with Retry-After."""

    code = "unavailable"

    def __init__(self, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
