"""The route table and the document made of it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.web.conftest import Served

from pinkslip.web.auth import Scope
from pinkslip.web.openapi import document, operation_id
from pinkslip.web.routes import Route
from pinkslip.web.table import LATER, ROUTES

DOCUMENT = document(ROUTES, version="0.1.0", server="/")
NAMED_IN_THE_DESIGN = {
    ("GET", "/api/agents"),
    ("GET", "/api/agents/{id}"),
    ("POST", "/api/agents/{id}/fire"),
    ("GET", "/api/agents/{id}/sessions"),
    ("POST", "/api/agents/{id}/heartbeat"),
    ("POST", "/api/agents/{id}/outcomes"),
    ("POST", "/api/agents/{id}/finish"),
    ("POST", "/api/agents/{id}/reinstate"),
    ("POST", "/api/agents/{id}/protect"),
    ("POST", "/api/agents/{id}/quarantine"),
    ("POST", "/api/agents/{id}/release"),
    ("POST", "/api/outcomes/{eventId}/review"),
    ("POST", "/api/events"),
    ("PUT", "/api/sessions/{key}"),
    ("GET", "/api/sessions/{key}"),
    ("GET", "/api/sessions"),
    ("GET", "/api/decisions"),
    ("GET", "/api/decisions/{id}"),
    ("POST", "/api/decisions/{id}/veto"),
    ("POST", "/api/decisions/{id}/approve"),
    ("GET", "/api/agents/{id}/why"),
    ("GET", "/api/policies"),
    ("GET", "/api/policies/status"),
    ("GET", "/api/policies/known"),
    ("POST", "/api/policies/{name}/restore"),
    ("POST", "/api/policies/check"),
    ("GET", "/api/silences"),
    ("POST", "/api/silences"),
    ("DELETE", "/api/silences/{id}"),
    ("GET", "/api/audit/verify"),
    ("GET", "/api/audit/report"),
    ("GET", "/api/enforcement"),
    ("POST", "/api/enforcement"),
    ("GET", "/metrics"),
    ("GET", "/-/healthy"),
    ("GET", "/-/ready"),
    ("POST", "/-/reload"),
    ("PUT", "/-/reload"),
}


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_every_route_declares_a_scope(route: Route) -> None:
    assert isinstance(route.scope, Scope)
    if route.scope is Scope.ANYONE:
        assert route.path in {"/-/healthy", "/-/ready"}


def test_the_table_holds_the_routes_of_the_design_and_no_others() -> None:
    assert {
        (route.method, route.path) for route in ROUTES if route not in LATER
    } == NAMED_IN_THE_DESIGN


def test_acts_of_people_take_an_idempotency_key() -> None:
    acts = {route.path for route in ROUTES if route.idempotent}

    assert acts == {
        "/api/agents/{id}/fire",
        "/api/agents/{id}/reinstate",
        "/api/agents/{id}/protect",
        "/api/agents/{id}/quarantine",
        "/api/agents/{id}/release",
        "/api/outcomes/{eventId}/review",
        "/api/decisions/{id}/veto",
        "/api/decisions/{id}/approve",
        "/api/policies/{name}/restore",
        "/api/silences",
        "/api/enforcement",
    }


@pytest.mark.parametrize("route", ROUTES, ids=named)
def test_a_route_that_asks_about_an_agent_may_answer_that_there_is_none(route: Route) -> None:
    asks = "{id}" in route.path or any(each.name == "agentId" for each in route.query)
    is_told = route.method == "POST" and route.body is not None and route.scope is Scope.INGEST

    assert not asks or is_told or 404 in route.errors


def test_operations_have_names_of_their_own() -> None:
    names = [operation_id(route) for route in ROUTES]

    assert len(names) == len(set(names))


def test_the_document_has_every_route_and_refers_to_nothing_missing() -> None:
    documented = {
        (method.upper(), path)
        for path, operations in DOCUMENT["paths"].items()
        for method in operations
    }
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}

    assert documented == NAMED_IN_THE_DESIGN
    assert set(references(DOCUMENT)) <= known


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for held in node.values():
            yield from references(held)
    elif isinstance(node, list | tuple):
        for held in node:
            yield from references(held)


async def test_the_served_document_is_the_one_tested(served: Served) -> None:
    status, document_ = await served.get("/api/openapi.json")

    assert status == 200
    assert document_["openapi"] == "3.1.0"
    assert document_["paths"].keys() == DOCUMENT["paths"].keys()


def test_the_guide_has_every_route() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "api.md").read_text()

    for route in ROUTES:
        if route not in LATER:
            assert re.search(rf"`{route.method}[^`]*{re.escape(route.path)}", guide), named(
                route
            )
