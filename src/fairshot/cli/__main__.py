"""`python -m fairshot.cli` is `fairshot`."""

from fairshot.cli import main

if __name__ == "__main__":
    main()
