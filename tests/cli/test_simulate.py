"""`fairshot simulate` on a town of a few people."""

from pathlib import Path

from tests.cli.conftest import Command

TINY = ("--days", 2, "--people", 20, "--processes", 1)


def test_figures_as_json_and_as_a_picture(fairshot_command: Command, tmp_path: Path) -> None:
    picture = tmp_path / "plots" / "town.png"
    policies = ("--policy", "popularity", "--policy", "recency")
    done = fairshot_command("simulate", "town", *TINY, *policies, "--seeds", 2, "--plots", picture, "--json")
    assert done.status == 0, done.stderr
    found = done.json
    assert found["seeds"] == [1, 2]
    assert list(found["policies"]) == ["popularity", "recency"]
    one = found["policies"]["recency"]["figures"]["utility"]
    assert len(one["by_seed"]) == 2
    assert one["low"] < one["value"] < one["high"]
    assert found["against"] == "popularity"
    gap = found["differences"]["recency"]["utility"]["value"]
    means = [found["policies"][name]["figures"]["utility"]["value"] for name in ("recency", "popularity")]
    assert abs(gap - (means[0] - means[1])) < 1e-9
    assert found["policies"]["recency"]["figures"]["Kendall tau with recency"]["value"] > 0.9
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_figures_as_a_table(fairshot_command: Command) -> None:
    done = fairshot_command("simulate", *TINY, "--policy", "popularity", "--seeds", 1)
    assert done.status == 0, done.stderr
    assert "return rate" in done.stdout
    assert "popularity" in done.stdout


def test_what_is_not_there_is_named(fairshot_command: Command) -> None:
    for arguments, hint in ((("village",), "head_start"), (("town", "--policy", "best"), "fixed_rank")):
        done = fairshot_command("simulate", *arguments, *TINY)
        assert done.status == 2
        assert hint in done.stderr
