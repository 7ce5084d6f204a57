"""`guards:`, what no policy may override. The keys not written keep their defaults."""

from pinkslip.model.policy import Guards, MaxFired, MaxFires, Newborn, Panic
from pinkslip.model.time import DAY_MS, SECOND_MS
from pinkslip.policies.document import Node
from pinkslip.policies.matchers import LABEL
from pinkslip.policies.values import Values
from pinkslip.policies.vocabulary import LATER_GUARDS

POOLS = ("role", "model", "host", "lineage")
KEYS = ("pool", "max_fired", "max_fires", "min_active", "panic", "newborn")
COUNT_MAX = 1_000_000
PER_MS_MAX = 30 * DAY_MS


def read_guards(values: Values, node: Node) -> Guards | None:
    """The guards as written; None when any cannot be used."""
    path = "guards"
    fields = values.fields(node, path, known=KEYS, later=LATER_GUARDS)
    if fields is None:
        return None
    before = len(values.report.problems)
    default = Guards()
    guards = Guards(
        pool=_pool(values, fields["pool"], f"{path}.pool")
        if "pool" in fields
        else default.pool,
        max_fired=_max_fired(values, fields.get("max_fired"), f"{path}.max_fired"),
        max_fires=_max_fires(values, fields.get("max_fires"), f"{path}.max_fires"),
        min_active=_count(values, fields, "min_active", path, default.min_active),
        panic=_panic(values, fields.get("panic"), f"{path}.panic"),
        newborn=_newborn(values, fields.get("newborn"), f"{path}.newborn"),
    )
    _warn_of_nothing(values, node, guards)
    new = values.report.problems[before:]
    return None if any(problem.is_error for problem in new) else guards


def _pool(values: Values, node: Node, path: str) -> str:
    word = values.word(node, path)
    if word is not None and word.startswith(LABEL) and len(word) > len(LABEL):
        return word
    if word is None:
        return Guards().pool
    return values.one_of(node, path, [*POOLS, "label.<name>"]) or Guards().pool


def _max_fired(values: Values, node: Node | None, path: str) -> MaxFired:
    default = MaxFired()
    fields = _fields(values, node, path, ("share", "per", "at_least"))
    return MaxFired(
        share=_share(values, fields, path, default.share),
        per_ms=_per(values, fields, path, default.per_ms),
        at_least=_count(values, fields, "at_least", path, default.at_least),
    )


def _max_fires(values: Values, node: Node | None, path: str) -> MaxFires:
    default = MaxFires()
    fields = _fields(values, node, path, ("count", "per"))
    return MaxFires(
        count=_count(values, fields, "count", path, default.count),
        per_ms=_per(values, fields, path, default.per_ms),
    )


def _panic(values: Values, node: Node | None, path: str) -> Panic:
    default = Panic()
    fields = _fields(values, node, path, ("share", "at_least", "per"))
    return Panic(
        share=_share(values, fields, path, default.share),
        at_least=_count(values, fields, "at_least", path, default.at_least, least=1),
        per_ms=_per(values, fields, path, default.per_ms),
    )


def _newborn(values: Values, node: Node | None, path: str) -> Newborn:
    default = Newborn()
    fields = _fields(values, node, path, ("age", "tasks"))
    age = default.age_ms
    if "age" in fields:
        read = values.span_ms(fields["age"], f"{path}.age", least=0, most=PER_MS_MAX)
        age = age if read is None else read
    return Newborn(age_ms=age, tasks=_count(values, fields, "tasks", path, default.tasks))


def _fields(
    values: Values, node: Node | None, path: str, known: tuple[str, ...]
) -> dict[str, Node]:
    if node is None:
        return {}
    return values.fields(node, path, known=known) or {}


def _share(values: Values, fields: dict[str, Node], path: str, default: float) -> float:
    if "share" not in fields:
        return default
    share = values.share(fields["share"], f"{path}.share")
    return default if share is None else share


def _per(values: Values, fields: dict[str, Node], path: str, default: int) -> int:
    if "per" not in fields:
        return default
    span = values.span_ms(fields["per"], f"{path}.per", least=SECOND_MS, most=PER_MS_MAX)
    return default if span is None else span


def _count(
    values: Values,
    fields: dict[str, Node],
    key: str,
    path: str,
    default: int,
    *,
    least: int = 0,
) -> int:
    if key not in fields:
        return default
    count = values.count(fields[key], f"{path}.{key}", least=least, most=COUNT_MAX)
    return default if count is None else count


def _warn_of_nothing(values: Values, node: Node, guards: Guards) -> None:
    fired = guards.max_fired
    if guards.max_fires.count == 0 or (fired.share == 0 and fired.at_least == 0):
        values.warn(
            node,
            "these guards let no policy ever fire",
            "guards",
            "raise max_fired and max_fires",
        )
    if fired.share == 1 and guards.min_active == 0:
        values.warn(
            node,
            "these guards let policies fire everybody",
            "guards",
            "lower max_fired.share, or raise min_active",
        )
