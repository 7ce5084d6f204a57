"""The alerting and dashboard files that travel with Pinkslip, written for one installation's addresses.

The files work as they are, for the defaults; here their defaults are replaced. A replacement that finds
nothing to replace is an error, so a file that is edited cannot silently stop being adapted.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from urllib.parse import urlsplit

from pinkslip.model.errors import Invalid, NotFound

ADDRESS = "http://127.0.0.1:8740"
JOB = "pinkslip"
GRAFANA = "http://127.0.0.1:3000"
PROMETHEUS = "http://127.0.0.1:9090"
ALERTMANAGER = "127.0.0.1:9093"
PAGE = "http://127.0.0.1:5001/page"
TICKET = "http://127.0.0.1:5001/ticket"
RUNBOOKS = "runbooks"
STALE_FACTOR = 3.0

_JOB_NAME = re.compile(r"[\w.:/-]{1,100}")
_ALERT = re.compile(r"\s*- alert: (\w+)")
_SEVERITY = re.compile(r"(\s*severity: )(critical|warning)( # by role: .*)?")


class Kind(StrEnum):
    """Whose files."""

    PROMETHEUS = "prometheus"
    GRAFANA = "grafana"
    ALERTMANAGER = "alertmanager"


def render(
    kind: str,
    *,
    address: str = ADDRESS,
    job: str = JOB,
    external_url: str | None = None,
    grafana_url: str = GRAFANA,
    prometheus_url: str = PROMETHEUS,
    alertmanager: str = ALERTMANAGER,
    page_url: str = PAGE,
    ticket_url: str = TICKET,
    runbooks_url: str = RUNBOOKS,
    stale_factor: float = STALE_FACTOR,
    ticket_roles: Sequence[str] = (),
    ticket_alerts: Sequence[str] = (),
) -> dict[str, str]:
    """File name to text, in the order they are read.

    `address` is where Prometheus finds Pinkslip (a URL, or host:port), `external_url` where people do.
    Silence in one of `ticket_roles`, and any of `ticket_alerts`, makes a ticket instead of a page.
    Invalid names the argument that cannot be used.
    """
    match _kind(kind):
        case Kind.PROMETHEUS:
            rules = _rules(
                job=_job(job),
                grafana_url=_base("the Grafana URL", grafana_url),
                runbooks_url=runbooks_url.rstrip("/"),
                stale_factor=stale_factor,
                ticket_roles=ticket_roles,
                ticket_alerts=ticket_alerts,
            )
            scrape = _scrape(address=address, job=_job(job), alertmanager=alertmanager)
            return {
                "prometheus.yml": scrape,
                **rules,
                **_shipped("alerting", "runbooks", ".md"),
            }
        case Kind.ALERTMANAGER:
            return {"alertmanager.yml": _routes(page_url=page_url, ticket_url=ticket_url)}
        case Kind.GRAFANA:
            return _grafana(
                job=_job(job),
                external_url=_base("the external URL", external_url or _as_url(address)),
                prometheus_url=_base("the Prometheus URL", prometheus_url),
            )


def _scrape(*, address: str, job: str, alertmanager: str) -> str:
    parts = urlsplit(_url("the address", _as_url(address)))
    path = f"{parts.path.rstrip('/')}/metrics"
    return _replaced(
        _read("alerting", "prometheus.yml"),
        "prometheus.yml",
        {
            "job_name: pinkslip": f"job_name: {_quoted(job)}",
            "scheme: http": f"scheme: {parts.scheme}",
            "metrics_path: /metrics": f"metrics_path: {_quoted(path)}",
            '"127.0.0.1:8740"': _quoted(parts.netloc),
            '"127.0.0.1:9093"': _quoted(_host("the Alertmanager", alertmanager)),
        },
    )


def _rules(
    *,
    job: str,
    grafana_url: str,
    runbooks_url: str,
    stale_factor: float,
    ticket_roles: Sequence[str],
    ticket_alerts: Sequence[str],
) -> dict[str, str]:
    shipped = _shipped("alerting", "rules", ".yml")
    _refuse_unknown(ticket_alerts, known=_alerts(shipped.values()))
    severity = _severities(roles=ticket_roles, alerts=ticket_alerts)
    rendered: dict[str, str] = {}
    for name, shipped_text in shipped.items():
        text = _replaced(
            shipped_text,
            name,
            {
                'job="pinkslip"': f'job="{job}"',
                "job: pinkslip": f"job: {_quoted(job)}",
                f"{GRAFANA}/": f"{grafana_url}/",
                "runbook_url: runbooks/": f"runbook_url: {runbooks_url}/",
            },
        )
        rendered[name] = severity(_with_stale_factor(text, stale_factor))
    return rendered


def _with_stale_factor(text: str, factor: float) -> str:
    """Longer or shorter than 3 intervals: the service's own `stale_factor` setting, said again."""
    if not 1 <= factor <= 1000:
        raise Invalid(f"a stale factor of {factor:g} makes no sense; give 1 to 1000 intervals")
    said = f"{factor:g}"
    text = text.replace("3 * max by", f"{said} * max by")
    return re.sub(r"\b3 of (its own|their) intervals", rf"{said} of \1 intervals", text)


def _severities(*, roles: Sequence[str], alerts: Sequence[str]) -> Callable[[str], str]:
    """What turns pages into tickets, by role or by alert, line by line."""
    for role in roles:
        if not role.isprintable():
            raise Invalid(f"the role {role!r} holds a character that no role has")

    def severity(alert: str, line: str) -> str:
        found = _SEVERITY.fullmatch(line)
        if found is None:
            return line
        if alert in alerts:
            return f"{found[1]}warning"
        if found[3] and roles:
            return f"{found[1]}{_by_role(roles, found[2])}"
        return line

    def rewrite(text: str) -> str:
        alert = ""
        lines: list[str] = []
        for line in text.split("\n"):
            named = _ALERT.match(line)
            alert = named[1] if named else alert
            lines.append(severity(alert, line))
        return "\n".join(lines)

    return rewrite


def _by_role(roles: Sequence[str], otherwise: str) -> str:
    """A label that Prometheus fills in for each alert from its role; a YAML scalar."""
    listed = " ".join(_quoted(role) for role in roles)
    template = (
        f"{{{{ if eq $labels.role {listed} }}}}warning{{{{ else }}}}{otherwise}{{{{ end }}}}"
    )
    return "'" + template.replace("'", "''") + "'"


def _alerts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for text in texts for name in re.findall(r"- alert: (\w+)", text))


def _refuse_unknown(names: Sequence[str], *, known: Sequence[str]) -> None:
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Invalid(f"there is no alert {', '.join(unknown)}; there are {', '.join(known)}")


def _routes(*, page_url: str, ticket_url: str) -> str:
    return _replaced(
        _read("alerting", "alertmanager.yml"),
        "alertmanager.yml",
        {
            f"url: {PAGE}": f"url: {_quoted(_url('the URL for pages', page_url))}",
            f"url: {TICKET}": f"url: {_quoted(_url('the URL for tickets', ticket_url))}",
        },
    )


def _grafana(*, job: str, external_url: str, prometheus_url: str) -> dict[str, str]:
    dashboards = {
        name: _dashboard(text, name, job=job, external_url=external_url)
        for name, text in _shipped("grafana", "dashboards", ".json").items()
    }
    provisioning = {
        **_shipped("grafana", "provisioning/dashboards", ".yml"),
        **{
            name: _replaced(
                text, name, {f"url: {PROMETHEUS}": f"url: {_quoted(prometheus_url)}"}
            )
            for name, text in _shipped("grafana", "provisioning/datasources", ".yml").items()
        },
    }
    return {**dashboards, **provisioning}


def _dashboard(text: str, name: str, *, job: str, external_url: str) -> str:
    """Links lead to this Pinkslip, and its job is chosen where it is not the usual one."""
    dashboard = json.loads(_replaced(text, name, {f'"{ADDRESS}/': f'"{external_url}/'}))
    if job != JOB:
        for variable in dashboard["templating"]["list"]:
            if variable["name"] == "job":
                variable["current"] = {"selected": True, "text": [job], "value": [job]}
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


def _replaced(text: str, name: str, replacements: Mapping[str, str]) -> str:
    for old, new in replacements.items():
        if old not in text:
            raise NotFound(f"{name} no longer holds {old!r}; the installation is damaged")
        text = text.replace(old, new)
    return text


def _kind(kind: str) -> Kind:
    try:
        return Kind(kind)
    except ValueError:
        known = ", ".join(Kind)
        raise Invalid(f"there are no assets for {kind!r}; there are {known}") from None


def _job(name: str) -> str:
    if not _JOB_NAME.fullmatch(name):
        raise Invalid(
            f"{name!r} cannot be a job name here; use letters, digits and . _ : / - (up to 100)"
        )
    return name


def _as_url(address: str) -> str:
    return address if "://" in address else f"http://{address}"


def _url(what: str, text: str) -> str:
    """`text`, when it is an http(s) URL that can stand in a file."""
    try:
        parts = urlsplit(text)
        port_is_good = parts.port is None or parts.port > 0
    except ValueError:
        port_is_good = False
        parts = urlsplit("")
    printable = text.isprintable() and not set(text) & set("\"'`\\{}<> ")
    if not (
        port_is_good and printable and parts.scheme in {"http", "https"} and parts.hostname
    ):
        raise Invalid(f"{what} {text!r} is no http or https URL; write for example {ADDRESS}")
    return text


def _base(what: str, text: str) -> str:
    """A URL that paths are added to: without a slash at its end."""
    return _url(what, text).rstrip("/")


def _host(what: str, text: str) -> str:
    """host:port, also where a URL was given."""
    return urlsplit(_url(what, _as_url(text))).netloc


def _quoted(text: str) -> str:
    """A double-quoted string as YAML, PromQL and Go templates all read it."""
    return json.dumps(text, ensure_ascii=False)


def _shipped(kind: str, directory: str, suffix: str) -> dict[str, str]:
    """The texts of one directory by path, sorted."""
    found = {
        f"{directory}/{entry.name}": entry.read_text(encoding="utf-8")
        for entry in _entries(kind, directory)
        if entry.name.endswith(suffix)
    }
    if not found:
        raise NotFound(f"the {suffix} files of {kind}/{directory} are missing; install again")
    return dict(sorted(found.items()))


def _read(kind: str, name: str) -> str:
    return _root(kind).joinpath(name).read_text(encoding="utf-8")


def _entries(kind: str, directory: str) -> Iterator[Traversable]:
    place = _root(kind)
    for part in directory.split("/"):
        place = place.joinpath(part)
    return place.iterdir()


def _root(kind: str) -> Traversable:
    """In a wheel the files lie inside the package, in a checkout beside `src`."""
    packaged = files("pinkslip").joinpath("assets", kind)
    if packaged.is_dir():
        return packaged
    checkout = Path(__file__).parents[3] / kind
    if checkout.is_dir():
        return checkout
    raise NotFound(f"the {kind} files are not installed; install pinkslip again")
