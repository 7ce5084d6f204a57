"""What each scraper is answered, by the headers it really sends."""

import pytest

from pinkslip.metrics.negotiation import Choice, negotiate
from pinkslip.metrics.text import Exposition

TEXT = "text/plain; version=0.0.4; charset=utf-8"
TEXT_1 = "text/plain; version=1.0.0; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
)

SCRAPERS = {
    "Prometheus 2.42": (
        (
            "application/openmetrics-text;version=1.0.0,"
            "application/openmetrics-text;version=0.0.1;q=0.75,"
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        ),
        OPENMETRICS,
    ),
    "Prometheus 2.42, native histograms": (
        (
            f"{PROTOBUF},application/openmetrics-text;version=1.0.0;q=0.8,"
            "application/openmetrics-text;version=0.0.1;q=0.75,"
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
        ),
        OPENMETRICS,
    ),
    "Prometheus 2.53, native histograms": (
        (
            f"{PROTOBUF};q=0.5,application/openmetrics-text;version=1.0.0;q=0.4,"
            "application/openmetrics-text;version=0.0.1;q=0.3,"
            "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
        ),
        OPENMETRICS,
    ),
    "Prometheus 3.5": (
        (
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            "application/openmetrics-text;version=0.0.1;q=0.5,"
            "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
            "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        ),
        f"{OPENMETRICS}; escaping=allow-utf-8",
    ),
    "Prometheus 3.5, text first": (
        (
            "text/plain;version=1.0.0;escaping=underscores;q=0.6,"
            "text/plain;version=0.0.4;q=0.5,*/*;q=0.2"
        ),
        f"{TEXT_1}; escaping=underscores",
    ),
    "VictoriaMetrics": ("text/plain;version=0.0.4;q=1,*/*;q=0.1", TEXT),
    "curl": ("*/*", TEXT),
    "a browser": (
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        TEXT,
    ),
}

WISHES = {
    "nothing sent": (None, TEXT),
    "empty": ("", TEXT),
    "text without a version": ("text/plain", TEXT),
    "any text": ("text/*", TEXT),
    "text 1.0.0 bare": ("text/plain;version=1.0.0", f"{TEXT_1}; escaping=underscores"),
    "text 1.0.0, values": (
        "text/plain;version=1.0.0;escaping=values",
        f"{TEXT_1}; escaping=values",
    ),
    "dots would change every name": (
        "text/plain;version=1.0.0;escaping=dots",
        f"{TEXT_1}; escaping=underscores",
    ),
    "an escaping nobody knows": (
        "application/openmetrics-text;version=1.0.0;escaping=morse",
        f"{OPENMETRICS}; escaping=underscores",
    ),
    "text 0.0.4 knows no escaping": ("text/plain;version=0.0.4;escaping=allow-utf-8", TEXT),
    "OpenMetrics without a version": ("application/openmetrics-text", OPENMETRICS),
    "OpenMetrics 0.0.1 alone": ("application/openmetrics-text;version=0.0.1", TEXT),
    "OpenMetrics 2.0.0 is not ours yet": ("application/openmetrics-text;version=2.0.0", TEXT),
    "OpenMetrics 9.9.9": ("application/openmetrics-text;version=9.9.9,text/plain", TEXT),
    "2.0.0 first, then 1.0.0": (
        "application/openmetrics-text;version=2.0.0,application/openmetrics-text;version=1.0.0;q=0.9",
        OPENMETRICS,
    ),
    "text 9": ("text/plain;version=9", TEXT),
    "q decides before position": (
        "text/plain;version=0.0.4;q=0.3,application/openmetrics-text;version=1.0.0;q=0.9",
        OPENMETRICS,
    ),
    "position decides at equal q": (
        "text/plain;version=0.0.4;q=0.9,application/openmetrics-text;version=1.0.0;q=0.9",
        TEXT,
    ),
    "q=0 is a no": ("application/openmetrics-text;version=1.0.0;q=0,*/*;q=0.1", TEXT),
    "q=0.000 too": ("application/openmetrics-text;q=0.000", TEXT),
    "a quality that is none": ("application/openmetrics-text;q=lots,text/plain;q=0.1", TEXT),
    "a quality above one": ("application/openmetrics-text;q=1.5,text/plain;q=0.1", TEXT),
    "capitals and spaces": (
        " Application/OpenMetrics-Text ; Version=1.0.0 ; Q=0.9 , text/plain;q=0.1",
        OPENMETRICS,
    ),
    "quoted": ('application/openmetrics-text; version="1.0.0"', OPENMETRICS),
    "a comma inside quotes": ('x/y;a="b,text/plain",application/openmetrics-text', OPENMETRICS),
    "an open quote": ('application/openmetrics-text;version="1.0.0', TEXT),
    "only what we do not have": ("application/json, image/png", TEXT),
    "protobuf alone": (PROTOBUF, TEXT),
    "commas alone": (",,;,;q=1,", TEXT),
}


@pytest.mark.parametrize(("accept", "answered"), SCRAPERS.values(), ids=SCRAPERS.keys())
def test_real_scrapers_get_the_best_they_read(accept: str, answered: str) -> None:
    assert negotiate(accept, "gzip").content_type == answered


@pytest.mark.parametrize(("accept", "answered"), WISHES.values(), ids=WISHES.keys())
def test_wishes(accept: str | None, answered: str) -> None:
    assert negotiate(accept, None).content_type == answered


@pytest.mark.parametrize(
    ("accepted", "is_gzipped"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("gzip, deflate, br, zstd", True),
        ("gzip;q=0", False),
        ("gzip;q=0.0, *;q=1", False),
        ("gzip;q=0.001", True),
        ("*", False),
        ("identity", False),
        ("identity;q=0.5, gzip;q=1.0", True),
        ("identity;q=1, gzip;q=0.5", False),
        ("zstd", False),
        ("deflate", False),
        ("xgzip", False),
        ("gzip;q=nonsense", False),
    ],
)
def test_gzip_only_for_who_lists_it(accepted: str | None, is_gzipped: bool) -> None:
    choice = negotiate("text/plain", accepted)

    assert choice.is_gzipped is is_gzipped
    assert ("Content-Encoding" in choice.headers(1)) is is_gzipped


def test_headers_say_all_a_scraper_and_a_cache_need() -> None:
    choice = Choice(exposition=Exposition.TEXT_0_0_4, escaping=None, is_gzipped=True)

    assert choice.headers(42) == {
        "Content-Type": TEXT,
        "Content-Encoding": "gzip",
        "Content-Length": "42",
        "Vary": "Accept, Accept-Encoding",
    }


def test_a_header_as_long_as_a_server_takes_is_read_at_once() -> None:
    for junk in ('"' * 8_190, ",;" * 4_095, 'a;b="\\' * 1_365, ";q=" * 2_730):
        assert negotiate(junk, junk).content_type == TEXT
