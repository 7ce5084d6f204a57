"""A load generator in a process of its own: raw HTTP/1.1 over keep-alive connections, bodies made ahead.

    python -m bench._load HOST PORT --connections 64 --batch 1 --seconds 5

Each request carries fresh, time-ordered event ids. Prints one JSON object: requests and events a second of
the measured stretch, statuses, latencies. It is as cheap as Python allows, so that the server is what is
measured; where both share a core it still costs something, to bare handler and service alike.
"""

import argparse
import asyncio
import json
import os
import time
from collections import Counter
from itertools import count

AGENTS = 100
WARM_UP_S = 1.0


class Bodies:
    """Requests with ids never used before."""

    def __init__(self, batch: int, path: str) -> None:
        self._batch = batch
        self._path = path
        self._numbers = count()
        self._tail = os.urandom(5).hex()

    def next(self) -> bytes:
        body = self._one() if self._batch == 1 else self._many()
        return (
            f"POST {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        ).encode() + body

    def _id(self) -> str:
        number = next(self._numbers)
        moment = f"{time.time_ns() // 1_000_000:012x}"
        return f"{moment[:8]}-{moment[8:]}-7{number >> 12 & 0xFFF:03x}-8{number & 0xFFF:03x}-{self._tail}{number & 0xFF:02x}"

    def _one(self) -> bytes:
        return (
            f'{{"eventId":"{self._id()}","result":"success","kind":"review","durationMs":1234,'
            '"tokensIn":100,"tokensOut":200,"costUsd":0.0015,"score":0.9,"taskId":"task-1"}'
        ).encode()

    def _many(self) -> bytes:
        items = [
            f'{{"type":"outcome","agentId":"agent-{place % AGENTS}","eventId":"{self._id()}",'
            '"result":"success","kind":"review","durationMs":1234,"tokensIn":100,"tokensOut":200,'
            '"costUsd":0.0015,"score":0.9,"taskId":"task-1"}'
            for place in range(self._batch)
        ]
        return ("[" + ",".join(items) + "]").encode()


class Connection(asyncio.Protocol):
    """One request at a time, the next as soon as the answer is whole."""

    def __init__(self, bodies: Bodies, tally: "Tally") -> None:
        self._bodies = bodies
        self._tally = tally
        self._heard = b""
        self._sent_at = 0.0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        body = self._bodies.next()
        self._sent_at = time.perf_counter()
        self._transport.write(body)

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, found, rest = self._heard.partition(b"\r\n\r\n")
        if not found:
            return
        length = 0
        for line in head.split(b"\r\n")[1:]:
            if line[:15].lower() == b"content-length:":
                length = int(line[15:])
        if len(rest) < length:
            return
        self._heard = b""
        self._tally.add(int(head[9:12]), time.perf_counter() - self._sent_at)
        if not self._tally.is_over:
            self._send()
        else:
            self._transport.close()


class Tally:
    """What was answered while it counted."""

    def __init__(self) -> None:
        self.statuses: Counter[int] = Counter()
        self.latencies: list[float] = []
        self.is_counting = False
        self.is_over = False

    def add(self, status: int, latency_s: float) -> None:
        if self.is_counting:
            self.statuses[status] += 1
            self.latencies.append(latency_s)


async def run(options: argparse.Namespace) -> dict[str, object]:
    """Warm up, count, stop."""
    loop = asyncio.get_running_loop()
    path = "/api/events" if options.batch > 1 else "/api/agents/agent-1/outcomes"
    bodies, tally = Bodies(options.batch, path), Tally()
    for _ in range(options.connections):
        await loop.create_connection(
            lambda: Connection(bodies, tally), options.host, options.port
        )
    await asyncio.sleep(WARM_UP_S)
    tally.is_counting, began, cpu = True, time.perf_counter(), time.process_time()
    await asyncio.sleep(options.seconds)
    tally.is_counting = False
    elapsed, own_cpu = time.perf_counter() - began, time.process_time() - cpu
    tally.is_over = True
    latencies = sorted(tally.latencies) or [0.0]
    requests = len(tally.latencies) / elapsed
    return {
        "connections": options.connections,
        "batch": options.batch,
        "requests_per_s": round(requests),
        "events_per_s": round(requests * options.batch),
        "p50_ms": round(latencies[len(latencies) // 2] * 1000, 2),
        "p99_ms": round(latencies[len(latencies) * 99 // 100] * 1000, 2),
        "statuses": dict(tally.statuses),
        "load_cpu_share": round(own_cpu / elapsed, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5.0)
    print(json.dumps(asyncio.run(run(parser.parse_args()))))


if __name__ == "__main__":
    main()
