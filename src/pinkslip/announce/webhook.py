"""A generic webhook: one POST for each message that begins, goes on, or ends, signed where a secret is given.

The body is `{"version": "1", "status": "firing" | "resolved", "messages": [...]}`, each message with its name,
labels, annotations, startsAt, endsAt (null while it stands), link and own status. With a secret the header
`X-Pinkslip-Signature: t=<unix seconds>,v1=<hex>` carries HMAC-SHA256 over `<unix seconds>.<body>`.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import aiohttp
import msgspec

from pinkslip.announce.alertmanager import post
from pinkslip.announce.target import Sent
from pinkslip.model.time import rfc3339

SIGNATURE = "X-Pinkslip-Signature"


class Webhook:
    """One address that is told."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        secret: bytes | None,
        wall_ms: Callable[[], int],
    ) -> None:
        self._session = session
        self._url = url
        self._secret = secret
        self._wall_ms = wall_ms
        self.name = f"webhook {urlsplit(url).hostname}"

    async def send(self, batch: list[Sent]) -> None:
        """Tell it. Undelivered when it did not answer 2xx."""
        body = msgspec.json.encode(as_body(batch))
        headers = {}
        if self._secret is not None:
            headers[SIGNATURE] = signature(self._secret, body, at_s=self._wall_ms() // 1_000)
        await post(self._session, self._url, body, headers=headers)


def as_body(batch: list[Sent]) -> Mapping[str, object]:
    """What is posted."""
    return {
        "version": "1",
        "status": "resolved" if all(sent.is_over for sent in batch) else "firing",
        "messages": [
            {
                "name": sent.message.name,
                "status": "resolved" if sent.is_over else "firing",
                "labels": sent.message.labels,
                "annotations": sent.message.annotations,
                "startsAt": rfc3339(sent.starts_at),
                "endsAt": rfc3339(sent.ends_at) if sent.is_over else None,
                "link": sent.message.link,
            }
            for sent in batch
        ],
    }


def signature(secret: bytes, body: bytes, *, at_s: int) -> str:
    """The header's value; a receiver computes the same and refuses old instants."""
    signed = f"{at_s}.".encode() + body
    return f"t={at_s},v1={hmac.new(secret, signed, hashlib.sha256).hexdigest()}"
