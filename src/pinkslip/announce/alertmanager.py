"""Alertmanager's v2 API: a JSON array of alerts to `/api/v2/alerts`, RFC 3339 times, the end always given."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
import msgspec

from pinkslip.announce.target import Refused, Sent, Undelivered
from pinkslip.model.time import rfc3339

PATH = "/api/v2/alerts"
TIMEOUT_S = 10.0
_SAID_MAX = 300


class Alertmanager:
    """One Alertmanager. In a cluster each member is told: they keep duplicates apart themselves."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        """`url`: as in Prometheus' configuration, without the API's path."""
        self._session = session
        self._url = url.rstrip("/") + PATH
        parts = urlsplit(url)
        self.name = f"alertmanager {parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"

    async def send(self, batch: list[Sent]) -> None:
        """Tell it. Undelivered when it did not answer 2xx."""
        body = msgspec.json.encode([as_alert(sent) for sent in batch])
        await post(self._session, self._url, body, headers={})


def as_alert(sent: Sent) -> Mapping[str, object]:
    """One alert as the API takes it."""
    message = sent.message
    return {
        "labels": message.labels,
        "annotations": message.annotations,
        "startsAt": rfc3339(min(sent.starts_at, sent.ends_at)),
        "endsAt": rfc3339(sent.ends_at),
        "generatorURL": message.link,
    }


async def post(
    session: aiohttp.ClientSession, url: str, body: bytes, *, headers: Mapping[str, str]
) -> None:
    """One POST of JSON: no redirects, everything within a time limit. Undelivered says what went wrong."""
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            session.post(
                url,
                data=body,
                headers={"Content-Type": "application/json", **headers},
                allow_redirects=False,
            ) as response,
        ):
            if not 200 <= response.status < 300:
                said = (await response.content.read(_SAID_MAX)).decode("utf-8", "replace")
                kind = Refused if response.status in (400, 413, 422) else Undelivered
                raise kind(f"answered {response.status}: {said.strip()}")
    except TimeoutError as error:
        raise Undelivered(f"no answer within {TIMEOUT_S:g} s") from error
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise Undelivered(str(error) or type(error).__name__) from error
