"""The shipped rules and routes for one job, hastened, so that a test need not wait minutes."""

import re

from tests.alerting.shipped import hastened
from tests.prometheus import Receiver

from pinkslip.cli.assets import render


def routes(receiver: Receiver) -> str:
    text = render(
        "alertmanager", page_url=f"{receiver.url}/page", ticket_url=f"{receiver.url}/ticket"
    )["alertmanager.yml"]
    text = re.sub(r"group_wait: 30s", "group_wait: 2s", text)
    return re.sub(r"group_interval: \w+", "group_interval: 1s", text)


def hastened_rules(job: str) -> dict[str, str]:
    files = render("prometheus", job=job, ticket_roles=["batch"])
    return {name: hastened(text) for name, text in files.items() if name.startswith("rules/")}
