"""Asking a real Prometheus every question the dashboards ask."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from grafana.generate import DASHBOARDS
from grafana.schema import LabelVariable
from tests.prometheus import Prometheus
from tests.promql import with_macros

LABEL_VALUES = re.compile(r"label_values\((?P<series>.*), (?P<label>\w+)\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Question:
    """One query of one panel, or of a variable."""

    place: str
    """`fleet.json: Tasks [A]`."""
    expr: str
    may_be_empty: str
    """Why an empty answer is fine; empty: it is not."""


def questions() -> Iterator[Question]:
    """Every query of every panel and variable, as written."""
    for file, dashboard in DASHBOARDS.items():
        for panel in dashboard.panels():
            for number, target in enumerate(panel.targets):
                yield Question(
                    f"{file}: {panel.title} [{number}]", target.expr, panel.may_be_empty
                )
        for variable in dashboard.variables:
            if isinstance(variable, LabelVariable):
                yield Question(f"{file}: ${variable.name}", _values(variable.query), "")


def unanswered(
    prometheus: Prometheus,
    *,
    job: str,
    agent: str,
    workspace: str = ".+",
    rate_interval: str = "10s",
    range_: str = "1m",
    insist: bool = False,
) -> list[str]:
    """Questions that got no data, each with its place. `insist` takes no excuse for an empty answer."""
    variables = {
        "job": job,
        "workspace": workspace,
        "role": ".*",
        "instance": ".+",
        "agent": agent,
        "__rate_interval": rate_interval,
        "__range": range_,
    }
    return [
        f"{question.place}: {said}"
        for question in questions()
        if (said := _said(prometheus, question, variables))
        and (insist or not question.may_be_empty)
    ]


def _said(prometheus: Prometheus, question: Question, variables: Mapping[str, str]) -> str:
    found = prometheus.query(with_macros(question.expr, variables))
    numbers = [sample for sample in found if sample.value == sample.value]
    return "" if numbers else f"no data for {question.expr}"


def _values(query: str) -> str:
    parts = LABEL_VALUES.fullmatch(query)
    assert parts is not None, query
    return f"group by ({parts['label']}) ({parts['series']})"
