"""schemathesis drives the served document: whatever it says may be sent is answered as it says."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from tests.running import serving

from pinkslip.web.openapi import document
from pinkslip.web.table import ROUTES

EXAMPLES = int(os.environ.get("PINKSLIP_TEST_SCHEMA", "12"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    allow_header_conformance,
]


@schemathesis.serializer("application/x-ndjson")
def _lines(context: schemathesis.SerializationContext, value: Any) -> bytes:
    return str(value).encode(errors="surrogateescape")


schema = schemathesis.openapi.from_dict(document(ROUTES, version="0.1.0", server="/"))
# edge cases of every field, thousands of requests: at full length only
schema.config.phases.coverage.enabled = EXAMPLES > 50


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real service, as `pinkslip serve` starts it."""
    with serving(tmp_path_factory.mktemp("schema")) as service:
        service.beat("a", status="WORKING")
        yield service.url
        assert service.process.poll() is None
        assert "Traceback" not in service.log.read_text()


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_what_the_document_says(case: schemathesis.Case, url: str) -> None:
    # a batch takes anything and answers item by item
    refusing = [] if case.path == "/api/events" else [negative_data_rejection]
    case.call_and_validate(base_url=url, checks=[*CHECKS, *refusing])
