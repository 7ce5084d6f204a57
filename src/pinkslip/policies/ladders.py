"""`action` and `ladder`: what a policy does, crossing by crossing.

A rung is written as a word and, where it lasts, a time: `notify`, `probation`, `probation 1d`,
`quarantine 10m`, `fire`.
"""

from itertools import pairwise

from pinkslip.model.policy import Rung
from pinkslip.model.time import DAY_MS, SECOND_MS
from pinkslip.model.words import SEVERITY_OF_ACTION, Action
from pinkslip.policies.document import Fields, Items, Node, Scalar
from pinkslip.policies.problems import quoted
from pinkslip.policies.quantities import BadQuantity, parse_span_ms
from pinkslip.policies.values import Values

RUNG_MS_MAX = 30 * DAY_MS
EXAMPLE = "ladder: [probation, quarantine 10m, fire]"

_WORDS = tuple(action.value for action in SEVERITY_OF_ACTION)
_NO_TIME = {
    Action.NOTIFY: "write notify alone: people are told at once",
    Action.FIRE: "write fire alone; notice: 5m lets a fire wait",
}


def read_action(values: Values, node: Node, path: str) -> tuple[Rung, ...]:
    """The one rung of `action`; none where it cannot be used."""
    rung = _rung(values, node, path)
    return () if rung is None else (rung,)


def read_ladder(values: Values, node: Node, path: str) -> tuple[Rung, ...]:
    """The rungs of `ladder`, mildest first; none where one cannot be used."""
    if not isinstance(node, Items) or not node.items:
        values.refuse(node, f"{path} must be a list of rungs", path, f"write {EXAMPLE}")
        return ()
    rungs = [_rung(values, item, f"{path}[{index}]") for index, item in enumerate(node.items)]
    known = tuple(rung for rung in rungs if rung is not None)
    if len(known) < len(rungs) or not _descends(values, node, known, path):
        return ()
    return known


def is_kept(rung: Rung) -> bool:
    """Whether a lone rung needs a place to be kept: it gives a standing that lasts."""
    return rung.action in (Action.PROBATION, Action.QUARANTINE)


def worst(rungs: tuple[Rung, ...]) -> Action:
    """The worst of what the rungs do."""
    return max((rung.action for rung in rungs), key=SEVERITY_OF_ACTION.index)


def _rung(values: Values, node: Node, path: str) -> Rung | None:
    if isinstance(node, Fields) and len(node.entries) == 1:
        key, value = node.entries[0]
        inner = value.text if isinstance(value, Scalar) else "10m"
        hint = f"write {key.text} {inner}"
        values.refuse(node, f"{path} must be a word and a time, without a colon", path, hint)
        return None
    word = values.word(node, path)
    if word is None:
        return None
    name, _, time = word.strip().partition(" ")
    action = values.one_of(node, path, list(_WORDS), word=name)
    return None if action is None else _timed(values, node, path, Action(action), time.strip())


def _timed(values: Values, node: Node, path: str, action: Action, time: str) -> Rung | None:
    if not time:
        if action is Action.QUARANTINE:
            values.refuse(
                node, f"{path}: a quarantine lasts for a time", path, "write quarantine 10m"
            )
            return None
        return Rung(action)
    if action in _NO_TIME:
        values.refuse(node, f"{path}: {action} takes no time", path, _NO_TIME[action])
        return None
    try:
        for_ms = parse_span_ms(time)
    except BadQuantity as error:
        hint = error.hint or f"write {action} 10m"
        values.refuse(node, f"{path}: {quoted(time)} is no time: {error}", path, hint)
        return None
    if not SECOND_MS <= for_ms <= RUNG_MS_MAX:
        values.refuse(node, f"{path}: a {action} lasts between 1s and 30d", path)
        return None
    return Rung(action, for_ms)


def _descends(values: Values, node: Items, rungs: tuple[Rung, ...], path: str) -> bool:
    """Whether each rung is worse than the one before it."""
    before = values.report.errors
    for index, (milder, rung) in enumerate(pairwise(rungs), start=1):
        steps = SEVERITY_OF_ACTION.index(rung.action) - SEVERITY_OF_ACTION.index(milder.action)
        place, inner = node.items[index], f"{path}[{index}]"
        if steps == 0:
            values.refuse(
                place,
                f"{inner}: {rung.action} stands twice on the ladder",
                inner,
                _ONCE[rung.action],
            )
        if steps < 0:
            values.refuse(
                place,
                f"{inner}: {rung.action} is milder than {milder.action} before it",
                inner,
                "order the rungs from the mildest to the worst: notify, probation, quarantine, fire",
            )
    return values.report.errors == before


_ONCE = {
    Action.NOTIFY: "remove one",
    Action.PROBATION: "remove one; probation 1d says how long it lasts",
    Action.QUARANTINE: "remove one: each further quarantine doubles by itself",
    Action.FIRE: "remove one",
}
