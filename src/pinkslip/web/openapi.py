"""The OpenAPI 3.1 document, made of the route table and of the types that validate."""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from pinkslip.web.payloads import ANSWERS, Item
from pinkslip.web.problems import PROBLEM_JSON, ProblemDetails
from pinkslip.web.query import Parameter
from pinkslip.web.routes import Raw, Route
from pinkslip.web.wire import ID_MAX, JSON, NDJSON

REF = "#/components/schemas/{name}"
ALWAYS = (400, 403, 422, 500, 503)
WITH_BODY = (408, 413, 415)

DESCRIPTION = """Agents report heartbeats and outcomes; Pinkslip remembers and judges them.

Names are camelCase, times RFC 3339 UTC, errors problem+json (RFC 9457). Unknown fields and unknown query
parameters are refused. Lists answer `{items, next}`; pass `next` as `cursor`.
"""


def document(routes: Iterable[Route], *, version: str, server: str) -> dict[str, Any]:
    """The whole document, ready for JSON."""
    listed = [route for route in routes if route.in_document]
    bodies = [route.body for route in listed if route.body not in {None, Raw}]
    types = list(dict.fromkeys([*bodies, *ANSWERS]))
    # the document's own names for schemas, by type
    schemas, components = msgspec.json.schema_components(
        [*types, Item], schema_hook=_free_form, ref_template=REF
    )
    schema_of = dict(zip(types, schemas, strict=False))
    paths: dict[str, Any] = {}
    for route in listed:
        operation = _operation(route, schema_of, schemas[-1])
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Pinkslip", "version": version, "description": DESCRIPTION},
        "servers": [{"url": server or "/"}],
        "paths": paths,
        "components": {"schemas": components},
    }


def _free_form(kind: type) -> dict[str, Any]:
    """`object`: any JSON."""
    if kind is object:
        return {"description": "Any JSON."}
    raise NotImplementedError


def _operation(route: Route, schema_of: dict[Any, Any], item: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": operation_id(route),
        "summary": route.summary,
        "tags": [route.tag],
        "x-scope": route.scope.value,
        "parameters": [
            *_path_parameters(route.path),
            *(_query_parameter(asked) for asked in route.query if not asked.name.endswith("*")),
        ],
        "responses": _responses(route, schema_of),
    }
    if route.idempotent:
        operation["parameters"].append(_IDEMPOTENCY)
    if route.body is Raw:
        operation["requestBody"] = _batch_body(item)
    elif route.body is not None:
        operation["requestBody"] = {
            "required": not route.empty_body,
            "content": {JSON: {"schema": schema_of[route.body]}},
        }
    return operation


def operation_id(route: Route) -> str:
    """`post_agents_id_fire`."""
    words = re.findall(r"[A-Za-z]+", route.path.removeprefix("/api"))
    return "_".join([route.method.lower(), *words]).rstrip("_")


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "minLength": 1, "maxLength": ID_MAX},
        }
        for name in re.findall(r"\{(\w+)\}", path)
    ]


def _query_parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": "query",
        "description": parameter.description,
        # words are separated by commas, texts may hold one and are repeated
        **({"explode": not parameter.words} if parameter.many else {}),
        "schema": _parameter_schema(parameter),
    }


def _parameter_schema(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": parameter.kind}
    if parameter.words:
        schema["enum"] = list(parameter.words)
    if parameter.maximum is not None:
        schema |= {"minimum": parameter.minimum, "maximum": parameter.maximum}
    if parameter.default is not None:
        schema["default"] = parameter.default
    if parameter.many:
        return {"type": "array", "items": schema, "minItems": 1}
    return schema


_IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same act under the same key is done once and answered alike for a day.",
    "schema": {"type": "string", "minLength": 1, "maxLength": ID_MAX},
}


def _batch_body(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "required": True,
        "content": {
            JSON: {"schema": {"type": "array", "items": item, "maxItems": 1_000}},
            NDJSON: {"schema": {"type": "string", "description": "One event a line."}},
        },
    }


def _responses(route: Route, schema_of: dict[Any, Any]) -> dict[str, Any]:
    content = {route.media: {"schema": {"type": "string"}}}
    if route.answer is not None:
        content = {JSON: {"schema": schema_of[route.answer]}}
    content |= {media: {"schema": {"type": "string"}} for media in route.media_too}
    answers = {"200": {"description": "Done", "content": content}}
    for other, meaning in route.also.items():
        answers[other] = {"description": meaning, "content": content}
    problem = {PROBLEM_JSON: {"schema": schema_of[ProblemDetails]}}
    for status in _problem_statuses(route):
        answers[str(status)] = {"description": HTTPStatus(status).phrase, "content": problem}
    return answers


def _problem_statuses(route: Route) -> Sequence[int]:
    with_body = WITH_BODY if route.body is not None else ()
    return sorted({*ALWAYS, *with_body, *route.errors})
