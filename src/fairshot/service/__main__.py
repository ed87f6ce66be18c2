"""`python -m fairshot.service --data DIR`: the service without the rest of the commands."""

import argparse
import sys
from pathlib import Path

from fairshot.core.errors import FairshotError
from fairshot.service.supervisor import serve


def main() -> int:
    """Serve until told to stop; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m fairshot.service", description="Serve a data directory.")
    parser.add_argument("--data", type=Path, default=Path("fairshot-data"))
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--workers", type=int)
    given = parser.parse_args()
    try:
        return serve(given.data, given.host, given.port, given.workers)
    except FairshotError as error:
        print(f"fairshot: {error}", file=sys.stderr)  # noqa: T201
        return 1


if __name__ == "__main__":
    sys.exit(main())
