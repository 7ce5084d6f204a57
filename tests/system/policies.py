"""Policies with the times of a test."""

from pathlib import Path

GUARDS = """\
version: 1
guards:
  max_fired: {share: 50%, per: 1h, at_least: 2}
  max_fires: {count: 20, per: 1h}
  min_active: 0
  panic: {share: 60%, at_least: 5, per: 20s}
  newborn: {age: 0s, tasks: 0}
"""
UNRESPONSIVE = """\
policies:
  - name: unresponsive
    reason: unresponsive
    match: {status: [IDLE, WORKING, ERROR]}
    when: heartbeat_age > 3 * heartbeat_interval
    clear_when: heartbeat_age < heartbeat_interval
    for: 1s
    mode: enforce
    action: fire
"""
DUMB = """\
  - name: dumb
    reason: dumb
    when: tasks[10 tasks] >= 5 and success_rate[10 tasks] < 50%
    for: 0s
    mode: enforce
    action: fire
"""


def write(directory: Path, text: str = GUARDS + UNRESPONSIVE + DUMB) -> Path:
    """A policy file of its own; its path."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "policies.yaml"
    path.write_text(text)
    return path
