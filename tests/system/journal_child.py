"""A process that serves a journal on a loopback socket, to be killed, stopped and traced.

A line in is a JSON list of [agentId, eventId]; a line out is the JSON list of verdicts, once they are
durable. With `--answer-early` it answers before COMMIT: the control that must lose some.
"""

import argparse
import json
import os
import socket
import sys
import threading
from typing import Any

from tests.clocks import RealClock

from pinkslip.model.errors import Unavailable
from pinkslip.model.events import Outcome, Report
from pinkslip.model.words import Result
from pinkslip.store.engine import open_database
from pinkslip.store.journal import Journal
from pinkslip.store.lease import HeldElsewhere


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--holder", default=f"child {os.getpid()}")
    parser.add_argument("--ttl-ms", type=int, default=10_000)
    parser.add_argument("--renew-every-ms", type=int, default=3_000)
    parser.add_argument("--answer-early", action="store_true")
    options = parser.parse_args()
    journal = Journal(
        open_database(options.url),
        clock=RealClock(),
        holder=options.holder,
        lease_ttl_ms=options.ttl_ms,
        renew_every_ms=options.renew_every_ms,
        on_lost=lambda holder: say("lost", holder),
    )
    say("pid", os.getpid())
    start(journal)
    listener = socket.create_server(("127.0.0.1", 0))
    say("port", listener.getsockname()[1])
    while True:
        client, _address = listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        arguments = (journal, client, options.answer_early)
        threading.Thread(target=serve, args=arguments, daemon=True).start()


def start(journal: Journal) -> None:
    waiting = threading.Event()
    told = ""
    while True:
        try:
            journal.start()
        except HeldElsewhere as held:
            if held.holder != told:
                say("held", held.holder)
                told = held.holder
            waiting.wait(0.05)
        except Unavailable as refusal:
            say("unavailable", str(refusal))
            waiting.wait(0.05)
        else:
            say("epoch", journal.epoch)
            return


def serve(journal: Journal, client: socket.socket, answers_early: bool) -> None:
    with client, client.makefile("rb") as lines:
        for line in lines:
            reports = [
                Report(1, agent, Outcome(result=Result.SUCCESS, event_id=event_id))
                for agent, event_id in json.loads(line)
            ]
            try:
                future = journal.report(reports)
                if answers_early:
                    answer = ["accepted"] * len(reports)
                else:
                    answer = [receipt.verdict for receipt in future.result()]
            except Unavailable as refusal:
                answer = [f"unavailable: {refusal}"]
            client.sendall(json.dumps(answer).encode() + b"\n")


def say(what: str, value: Any) -> None:
    sys.stdout.write(json.dumps({what: value}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
