"""Reads the configuration file and the environment, once, and checks everything at once.

Precedence: command line, then `PINKSLIP_<KEY>` in the environment, then the file, then the defaults.
Nothing below knows of files or variables: plain values are handed on. Every setting stands in one table,
`SETTINGS`, from which the reader, the error messages and the documentation's test all work.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from pinkslip.model.errors import Invalid
from pinkslip.policies.document import Fields, Items, Node, Scalar, read
from pinkslip.policies.problems import Problem, Severity, quoted
from pinkslip.policies.quantities import BadQuantity, parse_span_ms
from pinkslip.policies.text import Place, Report, Text

ENVIRONMENT_PREFIX = "PINKSLIP_"
DEFAULT_FILE = Path("pinkslip.yaml")
ENVIRONMENT_ONLY = ("CONFIG", "URL", "TOKEN", "AGENT_ID")
"""Variables with the prefix that are no settings: where the file is, and what the client reads."""


class BadValue(ValueError):
    """A value that cannot be used; the message says why and what to write."""


@dataclass(frozen=True, slots=True)
class MetricsRule:
    """For agents that `match` (label field to fully matching pattern): how much of them is exported."""

    match: Mapping[str, str]
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything an operator can set, checked. The fields' meaning stands in `SETTINGS`."""

    listen_host: str = "127.0.0.1"
    listen_port: int = 8740
    database: str = "./pinkslip.db"
    policies: tuple[Path, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Extra reasons, each with how it is shown to people."""
    tick_ms: int = 5_000
    heartbeat_interval_ms: int = 30_000
    stale_factor: float = 3.0
    min_tasks: int = 5
    stop_grace_ms: int = 10_000
    keep_in_memory_ms: int = 3_600_000
    checkpoint_ms: int = 30_000
    lease_ttl_ms: int = 10_000
    queue_limit: int = 50_000
    external_url: str | None = None
    route_prefix: str = ""
    trusted_proxies: tuple[str, ...] = ()
    per_agent: tuple[MetricsRule, ...] = (MetricsRule({}, "core"),)
    series_ttl_ms: int = 600_000
    max_agents_exported: int = 50_000
    alertmanager: tuple[str, ...] = ()
    webhook: str | None = None
    webhook_secret_file: Path | None = None
    resend_ms: int = 60_000
    webhook_secret: bytes | None = field(default=None, repr=False)
    """What stands in `webhook_secret_file`."""
    log_level: str = "info"
    log_format: str = "text"
    file: Path | None = None
    """Where they were read from, so that a reload reads the same file again."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the table: its key in the file, what it means, and how its text becomes values."""

    key: str
    meaning: str
    default: str
    parse: Callable[[Any], Mapping[str, object]]
    """From a text, a list of texts, or (metrics rules) a list of mappings, to fields of `Settings`."""
    is_list: bool = False

    @property
    def variable(self) -> str:
        """Its name in the environment."""
        return ENVIRONMENT_PREFIX + self.key.upper()


def _span(field: str, *, least_ms: int, most_ms: int) -> Callable[[str], Mapping[str, object]]:
    def parse(text: str) -> Mapping[str, object]:
        try:
            span_ms = parse_span_ms(text)
        except BadQuantity as error:
            raise BadValue(f"{error}" + (f"; {error.hint}" if error.hint else "")) from error
        if not least_ms <= span_ms <= most_ms:
            raise BadValue(f"must lie between {least_ms / 1000:g}s and {most_ms / 1000:g}s")
        return {field: span_ms}

    return parse


def _whole(field: str, *, least: int, most: int) -> Callable[[str], Mapping[str, object]]:
    def parse(text: str) -> Mapping[str, object]:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not least <= int(text) <= most:
            raise BadValue(f"must be a whole number from {least} to {most}")
        return {field: int(text)}

    return parse


def _factor(field: str) -> Callable[[str], Mapping[str, object]]:
    def parse(text: str) -> Mapping[str, object]:
        if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", text) or not 1 <= float(text) <= 100:
            raise BadValue("must be a number from 1 to 100")
        return {field: float(text)}

    return parse


def _word(field: str, *words: str) -> Callable[[str], Mapping[str, object]]:
    def parse(text: str) -> Mapping[str, object]:
        if text not in words:
            raise BadValue("must be " + " or ".join(words))
        return {field: text}

    return parse


def _listen(text: str) -> Mapping[str, object]:
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65_535:
        raise BadValue("must be host:port, for example 127.0.0.1:8740 or [::1]:8740")
    return {"listen_host": host, "listen_port": int(port)}


def _database(text: str) -> Mapping[str, object]:
    if not text.strip():
        raise BadValue("must be a path, sqlite:///path or postgresql://user@host/name")
    return {"database": text}


def _paths(texts: Sequence[str]) -> Mapping[str, object]:
    return {"policies": tuple(Path(text) for text in texts)}


def _reasons(given: Sequence[str] | Mapping[str, str]) -> Mapping[str, object]:
    """A list of names, each alone or as `name=how it is shown`; or a mapping of the two."""
    pairs = (
        given.items()
        if isinstance(given, Mapping)
        else ((name, shown) for name, _, shown in (text.partition("=") for text in given))
    )
    reasons = {}
    for name, shown in pairs:
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,63}", name):
            raise BadValue(
                f"{quoted(name)} is no reason; use a-z, 0-9, - and _, at most 64 characters"
            )
        if len(shown) > 100:
            raise BadValue(f"{quoted(name)} is shown with more than 100 characters")
        reasons[name] = shown.strip() or name.replace("_", " ")
    return {"reasons": reasons}


def _parts(text: str) -> SplitResult | None:
    """An http or https address; None when it is none."""
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number
        return None
    return parts if usable and not parts.fragment else None


def _address(text: str, example: str) -> str:
    parts = _parts(text)
    if parts is None or parts.query:
        raise BadValue(f"must be an http or https address without query, for example {example}")
    return text.rstrip("/")


def _external_url(text: str) -> Mapping[str, object]:
    return {"external_url": _address(text, "https://ops.example/pinkslip")}


def _alertmanager(texts: Sequence[str]) -> Mapping[str, object]:
    addresses = (_address(text, "http://127.0.0.1:9093") for text in texts)
    return {"alertmanager": tuple(dict.fromkeys(addresses))}


def _webhook(text: str) -> Mapping[str, object]:
    if _parts(text) is None:
        raise BadValue("must be an http or https address, for example https://ops.example/hook")
    return {"webhook": text}


def _secret_file(text: str) -> Mapping[str, object]:
    return {"webhook_secret_file": Path(text)}


def _route_prefix(text: str) -> Mapping[str, object]:
    prefix = text.rstrip("/")
    if prefix and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", prefix):
        raise BadValue("must look like /pinkslip")
    return {"route_prefix": prefix}


def _proxies(texts: Sequence[str]) -> Mapping[str, object]:
    for text in texts:
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            raise BadValue(
                f"{quoted(text)} is no address or network, for example 10.0.0.0/8"
            ) from error
    return {"trusted_proxies": tuple(texts)}


MATCHABLE = ("agent", "name", "role", "model", "host", "status", "standing", "lineage")
LEVELS = ("core", "full", "off")


def _per_agent(rules: str | Sequence[Mapping[str, str]]) -> Mapping[str, object]:
    if isinstance(rules, str):
        return {"per_agent": (MetricsRule({}, _level(rules)),)}
    parsed = []
    for rule in rules:
        match = {name: pattern for name, pattern in rule.items() if name != "level"}
        for name, pattern in match.items():
            if name not in MATCHABLE and not name.startswith("label."):
                raise BadValue(
                    f"{quoted(name)} is nothing to match; use level, {', '.join(MATCHABLE)} or label.<name>"
                )
            try:
                re.compile(pattern)
            except re.error as error:
                raise BadValue(f"{quoted(pattern)} is no pattern: {error}") from error
        parsed.append(MetricsRule(match, _level(rule.get("level", ""))))
    return {"per_agent": tuple(parsed)}


def _level(text: str) -> str:
    if text not in LEVELS:
        raise BadValue(f"level must be {', '.join(LEVELS)}, not {quoted(text)}")
    return text


SETTINGS: tuple[Setting, ...] = (
    Setting("listen", "address and port to serve on", "127.0.0.1:8740", _listen),
    Setting("database", "SQLite path, sqlite:///path or postgresql://user@host/name", "./pinkslip.db", _database),
    Setting("policies", "policy files and directories", "the packaged default pack", _paths, is_list=True),
    Setting(
        "reasons", "reasons a fire may give, beside the five built in: names, or names with how they are shown", "none",
        _reasons, is_list=True,
    ),
    Setting("tick", "how often policies are judged", "5s", _span("tick_ms", least_ms=100, most_ms=3_600_000)),
    Setting(
        "heartbeat_interval", "what is assumed of agents that declare no interval", "30s",
        _span("heartbeat_interval_ms", least_ms=1_000, most_ms=86_400_000),
    ),
    Setting("stale_after", "intervals of silence after which an agent is stale", "3", _factor("stale_factor")),
    Setting("min_tasks", "outcomes below which rates and means are unknown", "5", _whole("min_tasks", least=1, most=10_000)),
    Setting(
        "stop_grace", "how long a fired agent may take to obey before it is a zombie", "10s",
        _span("stop_grace_ms", least_ms=100, most_ms=3_600_000),
    ),
    Setting(
        "keep_in_memory", "how long finished and fired agents stay in memory", "1h",
        _span("keep_in_memory_ms", least_ms=60_000, most_ms=2_592_000_000),
    ),
    Setting(
        "checkpoint", "how often changed agents are written to their rows", "30s",
        _span("checkpoint_ms", least_ms=100, most_ms=3_600_000),
    ),
    Setting(
        "lease_ttl", "how long a silent holder keeps the lease", "10s",
        _span("lease_ttl_ms", least_ms=1_000, most_ms=600_000),
    ),
    Setting(
        "queue_limit", "events that may wait for the database before 503 is answered", "50000",
        _whole("queue_limit", least=100, most=10_000_000),
    ),
    Setting("external_url", "the address people and agents use, behind a proxy", "the listen address", _external_url),
    Setting("route_prefix", "path under which everything is served", "none", _route_prefix),
    Setting("trusted_proxies", "networks whose X-Forwarded headers are believed", "none", _proxies, is_list=True),
    Setting("per_agent", "how much is exported of each agent: core, full or off, or a list of rules", "core", _per_agent),
    Setting(
        "series_ttl", "how long a finished or fired agent keeps its series", "10m",
        _span("series_ttl_ms", least_ms=1_000, most_ms=86_400_000),
    ),
    Setting(
        "max_agents_exported", "agents with series of their own", "50000",
        _whole("max_agents_exported", least=0, most=10_000_000),
    ),
    Setting(
        "alertmanager", "Alertmanagers told of notices, questions, fires, holds, panic, zombies and demotions", "none",
        _alertmanager, is_list=True,
    ),
    Setting("webhook", "an address that is told the same, as JSON", "none", _webhook),
    Setting("webhook_secret_file", "a file with the secret that signs what the webhook is told", "none", _secret_file),
    Setting(
        "resend", "how often what stands is told again", "1m",
        _span("resend_ms", least_ms=1_000, most_ms=3_600_000),
    ),
    Setting("log_level", "debug, info, warning or error", "info", _word("log_level", "debug", "info", "warning", "error")),
    Setting("log_format", "text or json", "text", _word("log_format", "text", "json")),
)  # fmt: skip
BY_KEY = {setting.key: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Read:
    """What reading gave: settings, unless a problem is an error."""

    settings: Settings | None
    problems: tuple[Problem, ...]


def read_settings(
    file: Path | None = None,
    *,
    overrides: Mapping[str, str | Sequence[str]] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Read:
    """Settings from command line (`overrides`, by key), environment and file; every problem at once.

    `file` None means `PINKSLIP_CONFIG`, else ./pinkslip.yaml where there is one, else none at all.
    """
    variables = os.environ if environment is None else environment
    report = Report()
    values: dict[str, object] = {}
    chosen = _choose_file(file, variables)
    if chosen is not None:
        values |= _from_file(chosen, report)
    values |= _from_environment(variables, report)
    values |= _from_texts(
        overrides or {}, "command line", lambda key: f"--{key.replace('_', '-')}", report
    )
    if report.has_errors:
        return Read(None, tuple(report.problems))
    settings = Settings(**(values | {"file": chosen}))  # type: ignore[arg-type]  # the table's parsers made the values
    together = _check_together(settings)
    settings = replace(settings, webhook_secret=_secret(settings, together))
    return Read(
        None if together.has_errors else settings, (*report.problems, *together.problems)
    )


def _choose_file(file: Path | None, variables: Mapping[str, str]) -> Path | None:
    named = variables.get(ENVIRONMENT_PREFIX + "CONFIG")
    if file is not None:
        return file
    if named:
        return Path(named)
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def _from_file(file: Path, report: Report) -> dict[str, object]:
    try:
        raw = file.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise Invalid(f"{file}: cannot be read: {error.strerror}") from error
    text = Text(str(file), raw)
    if not raw.strip() or all(
        line.lstrip().startswith("#") or not line.strip() for line in raw.splitlines()
    ):
        return {}
    root = read(text, report)
    if root is None:
        return {}
    if not isinstance(root, Fields):
        report.add(
            text,
            root.place,
            "the file must hold settings",
            hint="write `listen: 127.0.0.1:8740`",
        )
        return {}
    values: dict[str, object] = {}
    for key, node in root.entries:
        setting = BY_KEY.get(key.text)
        if setting is None:
            report.add(
                text,
                key.place,
                f"unknown setting {quoted(key.text)}",
                hint=report.guess(key.text, list(BY_KEY)),
            )
            continue
        value = _plain(setting, node, text, report)
        if value is None:
            continue
        try:
            values |= _anchored(setting.parse(value), file)
        except BadValue as error:
            report.add(text, node.place, f"{key.text}: {error}", key_path=key.text)
    return values


def _anchored(values: Mapping[str, object], file: Path) -> dict[str, object]:
    """Relative paths in a file mean relative to that file."""
    anchored = dict(values)
    paths = anchored.get("policies")
    if isinstance(paths, tuple):
        anchored["policies"] = tuple(file.parent / path for path in paths)
    secret = anchored.get("webhook_secret_file")
    if isinstance(secret, Path):
        anchored["webhook_secret_file"] = file.parent / secret
    return anchored


def _plain(setting: Setting, node: Node, text: Text, report: Report) -> object:
    match node:
        case Scalar():
            return [node.text] if setting.is_list else node.text
        case Items() if setting.is_list:
            if all(isinstance(item, Scalar) for item in node.items):
                return [item.text for item in node.items if isinstance(item, Scalar)]
            report.add(text, node.place, f"{setting.key} must be a list of words")
            return None
        case Items() if setting.key == "per_agent":
            return _rules(node, text, report)
        case Fields() if setting.key == "reasons":
            return _shown(node, text, report)
        case _:
            report.add(
                text,
                node.place,
                f"{setting.key} must be {'a list' if setting.is_list else 'one value'}",
            )
            return None


def _shown(node: Fields, text: Text, report: Report) -> object:
    reasons = {}
    for key, value in node.entries:
        if not isinstance(value, Scalar):
            report.add(
                text, key.place, f"{key.text}: must be how the reason is shown, in words"
            )
            return None
        reasons[key.text] = value.text
    return reasons


def _rules(node: Items, text: Text, report: Report) -> object:
    rules = []
    for item in node.items:
        if not isinstance(item, Fields) or not all(
            isinstance(value, Scalar) for _, value in item.entries
        ):
            report.add(
                text,
                item.place,
                "a rule is a mapping",
                hint="write `- {role: batch.*, level: off}`",
            )
            return None
        rules.append(
            {key.text: value.text for key, value in item.entries if isinstance(value, Scalar)}
        )
    return rules


def _from_environment(variables: Mapping[str, str], report: Report) -> dict[str, object]:
    given = {}
    for name, value in sorted(variables.items()):
        rest = name.removeprefix(ENVIRONMENT_PREFIX)
        if rest == name or rest in ENVIRONMENT_ONLY or rest.startswith("TEST_"):
            continue
        if rest.lower() in BY_KEY:
            given[rest.lower()] = value
        else:
            report.add(
                Text("environment", name),
                Place(0, 0, len(name)),
                f"{quoted(name)} is no setting and is ignored",
                hint=report.guess(name, [setting.variable for setting in SETTINGS]),
                severity=Severity.WARNING,
            )
    return _from_texts(given, "environment", lambda key: BY_KEY[key].variable, report)


def _from_texts(
    given: Mapping[str, str | Sequence[str]],
    origin: str,
    spelled: Callable[[str], str],
    report: Report,
) -> dict[str, object]:
    values: dict[str, object] = {}
    for key, value in given.items():
        setting = BY_KEY[key]
        shown = value if isinstance(value, str) else ",".join(value)
        plain: object = value
        if setting.is_list and isinstance(value, str):
            plain = [part.strip() for part in value.split(",") if part.strip()]
        try:
            values |= setting.parse(plain)
        except BadValue as error:
            line = Text(origin, f"{spelled(key)}={shown}")
            report.add(
                line, Place(0, 0, len(spelled(key))), f"{spelled(key)}: {error}", key_path=key
            )
    return values


def _check_together(settings: Settings) -> Report:
    report = Report()
    if not is_loopback(settings.listen_host):
        line = Text("settings", f"listen: {settings.listen_host}:{settings.listen_port}")
        report.add(
            line,
            Place(0, 0, 6),
            "serving anybody but this machine needs tokens, which this version does not have yet",
            hint="listen on 127.0.0.1 and put a proxy that authenticates in front (set external_url and trusted_proxies)",
            key_path="listen",
        )
    if settings.webhook_secret_file is not None and settings.webhook is None:
        line = Text("settings", "webhook_secret_file")
        report.add(
            line,
            Place(0, 0, 19),
            "webhook_secret_file signs nothing without webhook",
            key_path="webhook_secret_file",
        )
    if settings.checkpoint_ms > settings.keep_in_memory_ms:
        line = Text("settings", "checkpoint")
        report.add(
            line,
            Place(0, 0, 10),
            "checkpoint must be shorter than keep_in_memory",
            key_path="checkpoint",
        )
    return report


def _secret(settings: Settings, report: Report) -> bytes | None:
    """The file's content, white space around it taken off."""
    file = settings.webhook_secret_file
    if file is None:
        return None
    line = Text("settings", f"webhook_secret_file: {file}")
    try:
        secret = file.read_bytes().strip()
    except OSError as error:
        problem = f"{file}: cannot be read: {error.strerror}"
    else:
        if secret:
            return secret
        problem = f"{file}: is empty"
    report.add(line, Place(0, 0, 19), problem, key_path="webhook_secret_file")
    return None


RELOADABLE = ("policies", "reasons", "per_agent", "series_ttl_ms", "max_agents_exported")
"""Fields of `Settings` that a reload takes over; the others are fixed while the process runs."""


def restart_needed(running: Settings, wanted: Settings) -> list[str]:
    """The fields that differ: what a reload could not take over."""
    return [
        field.name
        for field in fields(Settings)
        if getattr(running, field.name) != getattr(wanted, field.name)
    ]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
