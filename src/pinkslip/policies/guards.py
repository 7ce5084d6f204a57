"""`guards:`, what no policy may override. The keys not written keep their defaults."""

from pinkslip.model.policy import (
    CommonCause,
    Guards,
    MassRestart,
    MaxFired,
    MaxFires,
    MaxNotices,
    MaxQuarantined,
    MaxSilenced,
    Newborn,
    Panic,
)
from pinkslip.model.time import DAY_MS, SECOND_MS
from pinkslip.policies.document import Items, Node, Scalar
from pinkslip.policies.matchers import LABEL
from pinkslip.policies.problems import quoted
from pinkslip.policies.values import Values

POOLS = ("role", "model", "host", "lineage")
KEYS = (
    "pool",
    "max_fired",
    "max_fires",
    "min_active",
    "panic",
    "newborn",
    "common_cause",
    "mass_restart",
    "max_notices",
    "max_quarantined",
    "max_silenced",
)
OFF = "off"
COUNT_MAX = 1_000_000
PER_MS_MAX = 30 * DAY_MS
FACTORS_MAX = 20


def read_guards(values: Values, node: Node) -> Guards | None:
    """The guards as written; None when any cannot be used."""
    path = "guards"
    fields = values.fields(node, path, known=KEYS)
    if fields is None:
        return None
    before = values.report.errors
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
        common_cause=_common_cause(values, fields.get("common_cause"), f"{path}.common_cause"),
        mass_restart=_mass_restart(values, fields.get("mass_restart"), f"{path}.mass_restart"),
        max_notices=_max_notices(values, fields.get("max_notices"), f"{path}.max_notices"),
        max_quarantined=_max_quarantined(
            values, fields.get("max_quarantined"), f"{path}.max_quarantined"
        ),
        max_silenced=_max_silenced(values, fields.get("max_silenced"), f"{path}.max_silenced"),
    )
    _warn_of_nothing(values, node, guards)
    return guards if values.report.errors == before else None


def _pool(values: Values, node: Node, path: str) -> str:
    return _group(values, node, path) or Guards().pool


def _group(values: Values, node: Node, path: str) -> str | None:
    """A field that many agents share."""
    word = values.word(node, path)
    if word is None or (word.startswith(LABEL) and len(word) > len(LABEL)):
        return word
    return values.one_of(node, path, [*POOLS, "label.<name>"])


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


def _panic(values: Values, node: Node | None, path: str) -> Panic | None:
    if _is_off(node):
        return None
    default = Panic()
    fields = _fields(values, node, path, ("share", "at_least", "per"), may_be_off=True)
    return Panic(
        share=_share(values, fields, path, default.share),
        at_least=_count(values, fields, "at_least", path, default.at_least, least=1),
        per_ms=_per(values, fields, path, default.per_ms),
    )


def _mass_restart(values: Values, node: Node | None, path: str) -> MassRestart | None:
    if _is_off(node):
        return None
    default = MassRestart()
    fields = _fields(values, node, path, ("share", "at_least", "per"), may_be_off=True)
    return MassRestart(
        share=_share(values, fields, path, default.share),
        at_least=_count(values, fields, "at_least", path, default.at_least, least=1),
        per_ms=_per(values, fields, path, default.per_ms),
    )


def _common_cause(values: Values, node: Node | None, path: str) -> CommonCause | None:
    if _is_off(node):
        return None
    default = CommonCause()
    known = ("factors", "at_least", "share", "error")
    fields = _fields(values, node, path, known, may_be_off=True)
    return CommonCause(
        factors=_factors(values, fields["factors"], f"{path}.factors") or default.factors
        if "factors" in fields
        else default.factors,
        at_least=_count(values, fields, "at_least", path, default.at_least, least=1),
        share=_share(values, fields, path, default.share),
        error=_error(values, fields, path, default.error),
    )


def _factors(values: Values, node: Node, path: str) -> tuple[str, ...]:
    """What agents may share that fails them together."""
    items = node.items if isinstance(node, Items) else (node,)
    if not 1 <= len(items) <= FACTORS_MAX:
        hint = "write common_cause: off to look for none"
        values.refuse(node, f"{path} must name between 1 and {FACTORS_MAX} factors", path, hint)
        return ()
    found = [
        _group(values, item, values.item_path(path, node, index))
        for index, item in enumerate(items)
    ]
    return tuple(dict.fromkeys(word for word in found if word is not None))


def _error(values: Values, fields: dict[str, Node], path: str, default: float) -> float:
    if "error" not in fields:
        return default
    share = values.share(fields["error"], f"{path}.error")
    if share is not None and not 0 < share <= 0.5:
        values.refuse(
            fields["error"],
            f"{path}.error must be above 0% and at most 50%",
            f"{path}.error",
            "write for example 1%",
        )
        return default
    return default if share is None else share


def _max_notices(values: Values, node: Node | None, path: str) -> MaxNotices:
    default = MaxNotices()
    fields = _fields(values, node, path, ("count", "per"))
    return MaxNotices(
        count=_count(values, fields, "count", path, default.count),
        per_ms=_per(values, fields, path, default.per_ms),
    )


def _max_quarantined(values: Values, node: Node | None, path: str) -> MaxQuarantined:
    default = MaxQuarantined()
    fields = _fields(values, node, path, ("share", "at_least"))
    return MaxQuarantined(
        share=_share(values, fields, path, default.share),
        at_least=_count(values, fields, "at_least", path, default.at_least),
    )


def _max_silenced(values: Values, node: Node | None, path: str) -> MaxSilenced:
    default = MaxSilenced()
    fields = _fields(values, node, path, ("share", "at_least"))
    return MaxSilenced(
        share=_share(values, fields, path, default.share),
        at_least=_count(values, fields, "at_least", path, default.at_least),
    )


def _newborn(values: Values, node: Node | None, path: str) -> Newborn:
    default = Newborn()
    fields = _fields(values, node, path, ("age", "tasks"))
    age = default.age_ms
    if "age" in fields:
        read = values.span_ms(fields["age"], f"{path}.age", least=0, most=PER_MS_MAX)
        age = age if read is None else read
    return Newborn(age_ms=age, tasks=_count(values, fields, "tasks", path, default.tasks))


def _is_off(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.text == OFF


def _fields(
    values: Values,
    node: Node | None,
    path: str,
    known: tuple[str, ...],
    *,
    may_be_off: bool = False,
) -> dict[str, Node]:
    if node is None:
        return {}
    if isinstance(node, Scalar):
        name = path.rpartition(".")[2]
        hint = f"write {name}: off, or its keys: {', '.join(known)}"
        if not may_be_off:
            hint = f"give it keys: {', '.join(known)}"
        values.refuse(node, f"{path} cannot be {quoted(node.text)}", path, hint)
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
