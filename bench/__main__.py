"""Every benchmark, one after the other, as JSON lines: `python -m bench [name ...]`.

Each stands alone too (`python -m bench.scrape`), measures CPU or wall time beside its ceiling or peer in the same
run, and judges nothing: these are figures to read, not tests.
"""

import subprocess
import sys
from pathlib import Path


def names() -> list[str]:
    """All there are."""
    here = Path(__file__).parent
    return sorted(path.stem for path in here.glob("*.py") if not path.stem.startswith("_"))


def main() -> int:
    """Run those named, or all; the first failure's exit code."""
    chosen = sys.argv[1:] or names()
    unknown = set(chosen) - set(names())
    if unknown:
        print(
            f"no benchmark named {', '.join(sorted(unknown))}; there are {', '.join(names())}",
            file=sys.stderr,
        )
        return 2
    worst = 0
    for name in chosen:
        print(f"# bench.{name}", file=sys.stderr, flush=True)
        done = subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False)
        worst = worst or done.returncode
    return worst


if __name__ == "__main__":
    sys.exit(main())
