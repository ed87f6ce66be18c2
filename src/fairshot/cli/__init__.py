"""The commands. Each is a file here; what a command needs is imported when it runs, so that help is instant."""

import sys


def main() -> None:
    """Run the command line; exit status 0: done, 1: it could not be done, 2: it was asked wrongly."""
    from fairshot.cli.application import run

    sys.exit(run(sys.argv[1:]))
