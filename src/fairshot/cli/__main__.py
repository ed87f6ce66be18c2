"""`python -m fairshot.cli` is `fairshot`."""

from fairshot.cli import main

main()
