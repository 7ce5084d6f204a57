"""What the command's exit code says. Documented in docs/cli.md; a test compares."""

from enum import IntEnum


class Exit(IntEnum):
    """Stable: scripts rely on them."""

    OK = 0
    FOUND = 1
    """It worked and found what you asked about: problems in policies, evidence that differs, a failed check."""
    USAGE = 2
    """The command, the settings or a file cannot be used as given."""
    AWAY = 3
    """The service does not answer, or answers that it cannot serve now."""
    REFUSED = 4
    """The service understood and refused: no such agent, already fired, not allowed."""
    INTERRUPTED = 130
    """Ctrl-C, as shells count it: 128 + SIGINT."""
    UNREAD = 141
    """Whoever read the output has gone (`| head`): 128 + SIGPIPE, and nothing is said about it."""
