"""The page of reproductions is about the reproductions that there are."""

from pathlib import Path

from fairshot.reproductions import discover

PAGE = Path(__file__).parents[2] / "docs" / "reproductions.md"


def test_the_page_names_every_reproduction() -> None:
    """Run `fairshot reproduce --page docs/reproductions.md` where this fails."""
    text = PAGE.read_text("utf-8")
    assert [name for name in discover() if f"\n## {name}\n" not in text] == []
