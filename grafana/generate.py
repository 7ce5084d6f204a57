"""Write the dashboards that are checked in: `python -m grafana.generate`, or `--check` to compare only."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from grafana.schema import Dashboard

from grafana import agent, fleet, itself, policies

HERE = Path(__file__).parent / "dashboards"

DASHBOARDS: Mapping[str, Dashboard] = {
    "agent.json": agent.DASHBOARD,
    "fleet.json": fleet.DASHBOARD,
    "pinkslip.json": itself.DASHBOARD,
    "policies.json": policies.DASHBOARD,
}


def texts() -> dict[str, str]:
    """File name to the JSON as it is checked in."""
    return {
        name: json.dumps(dashboard.json(), indent=2, ensure_ascii=False) + "\n"
        for name, dashboard in DASHBOARDS.items()
    }


def differing() -> list[str]:
    """Files that are not what the generator writes."""
    return [
        name
        for name, text in texts().items()
        if not (HERE / name).exists() or (HERE / name).read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    if "--check" in arguments:
        for name in differing():
            print(
                f"grafana/dashboards/{name} is not what grafana/generate.py writes; run make fmt"
            )
        return 1 if differing() else 0
    HERE.mkdir(exist_ok=True)
    for name, text in texts().items():
        (HERE / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
