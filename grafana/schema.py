"""Grafana's classic dashboard schema, as far as we use it: small frozen values that turn into JSON.

Every Grafana from 9 on reads it. A dashboard is rows of panels; places and numbers follow from the order,
so that a change moves as few lines of the checked-in JSON as possible.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count

Json = dict[str, object]

GRID_WIDTH = 24
SCHEMA_VERSION = 39
DATASOURCE: Mapping[str, object] = {"type": "prometheus", "uid": "${datasource}"}


class Unit(StrEnum):
    """Grafana's names for what a number means."""

    NONE = "none"
    SHORT = "short"
    SECONDS = "s"
    RATIO = "percentunit"
    DOLLARS = "currencyUSD"
    BYTES = "bytes"
    PER_SECOND = "ops"
    PER_MINUTE = "opm"
    SINCE = "dateTimeFromNow"
    """Milliseconds since 1970, shown as `5 minutes ago`."""


class Color(StrEnum):
    """The few colors that mean something here."""

    GOOD = "green"
    NEUTRAL = "blue"
    WARN = "orange"
    BAD = "red"
    QUIET = "#808080"


@dataclass(frozen=True, slots=True)
class Step:
    """From `value` on (None: from the start) a number is shown in `color`."""

    value: float | None
    color: Color


BAD_ABOVE_ZERO = (Step(None, Color.GOOD), Step(1, Color.BAD))
WARN_ABOVE_ZERO = (Step(None, Color.GOOD), Step(1, Color.WARN))
NEUTRAL = (Step(None, Color.NEUTRAL),)
BAD_WHEN_ZERO = (Step(None, Color.BAD), Step(1, Color.GOOD))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A value shown as a word."""

    value: float
    text: str
    color: Color


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One query. `name` becomes its refId where a table has to tell its columns apart."""

    expr: str
    legend: str = ""
    instant: bool = False
    is_table: bool = False
    is_heatmap: bool = False
    name: str = ""

    def json(self, letter: str) -> Json:
        form = "table" if self.is_table else "heatmap" if self.is_heatmap else "time_series"
        return {
            "datasource": dict(DATASOURCE),
            "editorMode": "code",
            "expr": self.expr,
            "format": form,
            "instant": self.instant,
            "legendFormat": self.legend or "__auto",
            "range": not self.instant,
            "refId": self.name or letter,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A way to another page, on a dashboard, a panel or a cell."""

    title: str
    url: str
    new_tab: bool = False

    def json(self) -> Json:
        return {"title": self.title, "url": self.url, "targetBlank": self.new_tab}


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What all panels share. A kind adds its type, its options and its drawing style."""

    title: str
    description: str
    targets: tuple[Target, ...]
    unit: Unit
    width: int
    height: int = 8
    decimals: int | None = None
    minimum: float | None = 0
    maximum: float | None = None
    thresholds: tuple[Step, ...] = NEUTRAL
    mapped: tuple[Mapped, ...] = ()
    links: tuple[Link, ...] = ()
    no_value: str = ""
    """Shown where the query answers with nothing."""
    may_be_empty: str = ""
    """Why an empty answer is a good one; without it a test insists on data."""

    kind = ""

    def json(self, *, number: int, x: int, y: int) -> Json:
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": dict(DATASOURCE),
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "targets": [
                target.json(letter)
                for target, letter in zip(
                    self.targets, "ABCDEFGHIJKLMNOPQRSTUVWXYZ", strict=False
                )
            ],
            "fieldConfig": {"defaults": self.defaults(), "overrides": self.overrides()},
            "options": self.options(),
            "links": [link.json() for link in self.links],
            "transformations": self.transformations(),
        }

    def defaults(self) -> Json:
        said: Json = {
            "unit": self.unit.value,
            "color": {"mode": self.coloring()},
            "custom": self.custom(),
            "mappings": [_mapping(self.mapped)] if self.mapped else [],
            "thresholds": {
                "mode": "absolute",
                "steps": [
                    {"color": step.color.value, "value": step.value} for step in self.thresholds
                ],
            },
        }
        for key, value in (
            ("decimals", self.decimals),
            ("min", self.minimum),
            ("max", self.maximum),
            ("noValue", self.no_value or None),
        ):
            if value is not None:
                said[key] = value
        return said

    def coloring(self) -> str:
        return "thresholds"

    def custom(self) -> Json:
        return {}

    def options(self) -> Json:
        return {}

    def overrides(self) -> list[Json]:
        return []

    def transformations(self) -> list[Json]:
        return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat(Panel):
    """One number, large, with its color; `sparkline` draws where it came from."""

    height: int = 4
    width: int = 3
    sparkline: bool = False
    text: str = "auto"
    """`name` shows the legend instead of the value."""

    kind = "stat"

    def options(self) -> Json:
        return {
            "colorMode": "value",
            "graphMode": "area" if self.sparkline else "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "textMode": self.text,
            "wideLayout": True,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSeries(Panel):
    """Lines over time. `stacked` for parts of a whole, `bars` for events."""

    stacked: bool = False
    bars: bool = False
    steps: bool = False
    """Draw steps: for things that change at once, not gradually."""
    colors: Mapping[str, Color] = field(default_factory=dict)
    """Legend to color, where a color means something."""
    dashed: tuple[str, ...] = ()
    """Legends drawn as dashed lines: limits, not measurements."""
    threshold_line: bool = False

    kind = "timeseries"

    def coloring(self) -> str:
        return "palette-classic"

    def custom(self) -> Json:
        return {
            "axisSoftMin": 0,
            "drawStyle": "bars" if self.bars else "line",
            "fillOpacity": 60 if self.bars else 30 if self.stacked else 8,
            "lineInterpolation": "stepAfter" if self.steps else "linear",
            "lineWidth": 1,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"group": "A", "mode": "normal" if self.stacked else "none"},
            "thresholdsStyle": {"mode": "line" if self.threshold_line else "off"},
        }

    def options(self) -> Json:
        return {
            "legend": {
                "calcs": ["lastNotNull", "max"],
                "displayMode": "table",
                "placement": "bottom",
                "showLegend": True,
                "sortBy": "Last *",
                "sortDesc": True,
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        }

    def overrides(self) -> list[Json]:
        colored = [
            _override(name, color={"mode": "fixed", "fixedColor": color.value})
            for name, color in self.colors.items()
        ]
        dash: Json = {"fill": "dash", "dash": [8, 8]}
        dashed = [
            _override(name, **{"custom.lineStyle": dash, "custom.fillOpacity": 0})
            for name in self.dashed
        ]
        return colored + dashed


@dataclass(frozen=True, slots=True, kw_only=True)
class BarGauge(Panel):
    """A bar per series: who has most."""

    kind = "bargauge"

    def options(self) -> Json:
        return {
            "displayMode": "basic",
            "minVizHeight": 16,
            "minVizWidth": 8,
            "namePlacement": "left",
            "orientation": "horizontal",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
            "showUnfilled": True,
            "sizing": "auto",
            "valueMode": "color",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StateTimeline(Panel):
    """Which state held when."""

    kind = "state-timeline"

    def custom(self) -> Json:
        return {"fillOpacity": 80, "lineWidth": 0, "spanNulls": False}

    def options(self) -> Json:
        return {
            "alignValue": "left",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
            "mergeValues": True,
            "rowHeight": 0.8,
            "showValue": "never",
            "tooltip": {"mode": "single", "sort": "none"},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Heatmap(Panel):
    """A histogram over time, from classic buckets."""

    kind = "heatmap"

    def custom(self) -> Json:
        return {"scaleDistribution": {"type": "linear"}}

    def options(self) -> Json:
        return {
            "calculate": False,
            "cellGap": 1,
            "color": {
                "exponent": 0.5,
                "fill": "dark-orange",
                "mode": "scheme",
                "reverse": False,
                "scale": "exponential",
                "scheme": "Oranges",
                "steps": 64,
            },
            "filterValues": {"le": 1e-9},
            "legend": {"show": True},
            "rowsFrame": {"layout": "auto"},
            "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": False},
            "yAxis": {"axisPlacement": "left", "reverse": False, "unit": self.unit.value},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table: a label, or the value of the target named so."""

    source: str
    """A label's name, or a target's `name`."""
    title: str
    unit: Unit | None = None
    decimals: int | None = None
    thresholds: tuple[Step, ...] = ()
    links: tuple[Link, ...] = ()
    width: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Panel):
    """Rows of labels with the values of one or more instant queries."""

    columns: tuple[Column, ...]
    sort_by: str = ""
    """Title of the column the largest of which comes first."""

    kind = "table"

    def custom(self) -> Json:
        return {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True}

    def options(self) -> Json:
        order = [{"displayName": self.sort_by, "desc": True}] if self.sort_by else []
        return {
            "cellHeight": "sm",
            "footer": {"countRows": False, "fields": "", "reducer": ["sum"], "show": False},
            "showHeader": True,
            "sortBy": order,
        }

    def overrides(self) -> list[Json]:
        return [override for column in self.columns if (override := self._column(column))]

    def _column(self, column: Column) -> Json | None:
        said: Json = {}
        if column.unit is not None:
            said["unit"] = column.unit.value
        if column.decimals is not None:
            said["decimals"] = column.decimals
        if column.thresholds:
            steps = [
                {"color": step.color.value, "value": step.value} for step in column.thresholds
            ]
            said["thresholds"] = {"mode": "absolute", "steps": steps}
            said["custom.cellOptions"] = {"type": "color-text"}
        if column.links:
            said["links"] = [link.json() for link in column.links]
        if column.width is not None:
            said["custom.width"] = column.width
        return _override(column.title, **said) if said else None

    def transformations(self) -> list[Json]:
        """Join the queries on their labels; keep, name and order the columns."""
        names = {target.name for target in self.targets}
        values = {
            name: f"Value #{name}" if len(self.targets) > 1 else "Value" for name in names
        }
        sources = [values.get(column.source, column.source) for column in self.columns]
        return [
            {"id": "merge", "options": {}},
            {"id": "filterFieldsByName", "options": {"include": {"names": sources}}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": {},
                    "indexByName": {source: place for place, source in enumerate(sources)},
                    "renameByName": {
                        source: column.title
                        for source, column in zip(sources, self.columns, strict=True)
                    },
                },
            },
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Panels under one heading; they flow from left to right and break where they do not fit."""

    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasourceVariable:
    """Which Prometheus to ask: the one thing a dashboard needs to be imported."""

    name: str = "datasource"

    def json(self) -> Json:
        return {
            "current": {},
            "hide": 0,
            "includeAll": False,
            "label": "Data source",
            "multi": False,
            "name": self.name,
            "options": [],
            "query": "prometheus",
            "refresh": 1,
            "regex": "",
            "skipUrlSync": False,
            "type": "datasource",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelVariable:
    """The values of a label, narrowed by the variables before it."""

    name: str
    title: str
    label: str
    series: str
    """A selector whose series carry the label."""
    multiple: bool = True
    all_value: str = ".+"
    """What `All` matches; `.*` where a series may do without the label."""

    @property
    def query(self) -> str:
        return f"label_values({self.series}, {self.label})"

    def json(self) -> Json:
        said: Json = {
            "current": {},
            "datasource": dict(DATASOURCE),
            "definition": self.query,
            "hide": 0,
            "includeAll": self.multiple,
            "label": self.title,
            "multi": self.multiple,
            "name": self.name,
            "options": [],
            "query": {
                "query": self.query,
                "refId": "PrometheusVariableQueryEditor-VariableQuery",
            },
            "refresh": 2,
            "regex": "",
            "skipUrlSync": False,
            "sort": 1,
            "type": "query",
        }
        if self.multiple:
            said["allValue"] = self.all_value
            said["current"] = {"selected": True, "text": ["All"], "value": ["$__all"]}
        return said


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """Moments drawn over every panel."""

    name: str
    expr: str
    title: str
    text: str
    color: Color
    tags: tuple[str, ...] = ()

    def json(self) -> Json:
        return {
            "datasource": dict(DATASOURCE),
            "enable": True,
            "expr": self.expr,
            "hide": False,
            "iconColor": self.color.value,
            "name": self.name,
            "step": "30s",
            "tagKeys": ",".join(self.tags),
            "textFormat": self.text,
            "titleFormat": self.title,
            "useValueForTime": False,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """A page."""

    uid: str
    title: str
    description: str
    variables: tuple[DatasourceVariable | LabelVariable, ...]
    rows: tuple[Row, ...]
    annotations: tuple[Annotation, ...] = ()
    links: tuple[Link, ...] = ()
    since: str = "now-6h"
    tags: tuple[str, ...] = ("pinkslip",)

    def panels(self) -> Iterator[Panel]:
        for row in self.rows:
            yield from row.panels

    def json(self) -> Json:
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.description,
            "tags": list(self.tags),
            "annotations": {"list": [annotation.json() for annotation in self.annotations]},
            "editable": False,
            "fiscalYearStartMonth": 0,
            "graphTooltip": 1,
            "links": [*self._siblings(), *(_page_link(link) for link in self.links)],
            "panels": _lay_out(self.rows),
            "refresh": "30s",
            "schemaVersion": SCHEMA_VERSION,
            "templating": {"list": [variable.json() for variable in self.variables]},
            "time": {"from": self.since, "to": "now"},
            "timepicker": {},
            "timezone": "browser",
            "weekStart": "",
        }

    def _siblings(self) -> list[Json]:
        """Our other dashboards, found by their tag, with time and variables taken along."""
        return [
            {
                "asDropdown": False,
                "icon": "external link",
                "includeVars": True,
                "keepTime": True,
                "tags": ["pinkslip"],
                "targetBlank": False,
                "title": "Pinkslip",
                "tooltip": "",
                "type": "dashboards",
                "url": "",
            }
        ]


def _page_link(link: Link) -> Json:
    return {
        "asDropdown": False,
        "icon": "doc",
        "includeVars": False,
        "keepTime": False,
        "tags": [],
        "targetBlank": link.new_tab,
        "title": link.title,
        "tooltip": "",
        "type": "link",
        "url": link.url,
    }


def _lay_out(rows: Sequence[Row]) -> list[Json]:
    numbers = count(1)
    laid: list[Json] = []
    y = 0
    for row in rows:
        top = y
        heading: Json = {
            "id": next(numbers),
            "type": "row",
            "title": row.title,
            "collapsed": row.collapsed,
            "gridPos": {"h": 1, "w": GRID_WIDTH, "x": 0, "y": y},
            "panels": [],
        }
        laid.append(heading)
        placed, y = _flow(row.panels, y=y + 1, numbers=numbers)
        if row.collapsed:
            heading["panels"] = placed
            y = top + 1
        else:
            laid += placed
    return laid


def _flow(panels: Sequence[Panel], *, y: int, numbers: "count[int]") -> tuple[list[Json], int]:
    """Panels left to right from `y` on; also where the next row begins."""
    placed: list[Json] = []
    x = tallest = 0
    for panel in panels:
        if x + panel.width > GRID_WIDTH:
            x, y, tallest = 0, y + tallest, 0
        placed.append(panel.json(number=next(numbers), x=x, y=y))
        x += panel.width
        tallest = max(tallest, panel.height)
    return placed, y + tallest


def _mapping(mapped: Sequence[Mapped]) -> Json:
    options: Json = {
        f"{entry.value:g}": {"color": entry.color.value, "index": place, "text": entry.text}
        for place, entry in enumerate(mapped)
    }
    return {"type": "value", "options": options}


def _override(name: str, **properties: object) -> Json:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties.items()],
    }
