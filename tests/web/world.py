"""A small made-up platform for the page: short films by people who make them."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import fairshot

HOSTILE = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
"""A title that would take over a page that made markup of it."""

MAKERS = [
    "Ada Okafor",
    "Bo Lindqvist",
    "Chiara Moretti",
    "Dev Raman",
    "Elif Aydın",
    "Farah Haddad",
    "Gustavo Pinto",
    "Hana Novák",
    "Ilya Sorokin",
    "June Park",
    "Kofi Mensah",
    "Lucía Vega",
]
WHAT = ["The Lighthouse", "A Bicycle", "Two Kitchens", "The Long Ferry", "Paper Birds", "My Neighbour's Piano"]
WHERE = ["in Winter", "at Low Tide", "after the Rain", "on Platform Nine", "by Night", "Once More", "and the Sea"]
LABELS = ["Drama", "Comedy", "Documentary", "Animation", "Thriller"]


def items() -> list[dict[str, Any]]:
    """84 films; the first one has a hostile title."""
    made = []
    for number in range(84):
        title = f"{WHAT[number % len(WHAT)]} {WHERE[number // len(WHAT) % len(WHERE)]}"
        if number >= 42:
            title += ", Part Two"
        first, second = LABELS[number % 5], LABELS[(number // 3) % 5]
        made.append(
            {
                "id": f"film-{number}",
                "creator_id": f"maker-{number % len(MAKERS)}",
                "title": HOSTILE if number == 0 else title,
                "text": f"A short {first.lower()} about {title.lower()}, made with two friends and a borrowed camera.",
                "labels": sorted({first, second}),
            }
        )
    return made


def creators() -> list[dict[str, Any]]:
    """Those who make them; the last one never gave a name."""
    return [
        {"id": f"maker-{number}", **({"name": name} if number < len(MAKERS) - 1 else {})}
        for number, name in enumerate(MAKERS)
    ]


def events() -> list[dict[str, Any]]:
    """What 24 people liked: each leans to one label; everybody meets the hostile title's film."""
    made = []
    for person in range(24):
        for turn in range(10):
            number = (person % 5 + 5 * turn + 15 * (person // 5)) % 84 if turn else 0
            made.append(
                {
                    "event_id": f"past-{person}-{turn}",
                    "kind": ("like", "love", "view")[turn % 3],
                    "user_id": f"person-{person}",
                    "item_id": f"film-{number}",
                }
            )
    return made


def build(folder: Path) -> None:
    """Fill a data directory, and train on it, so that the service has no reason to."""
    with fairshot.open(str(folder)) as app:
        receipt = app.ingest(
            events(), items=items(), creators=creators(), users=[{"id": f"person-{n}"} for n in range(24)]
        )
        assert not receipt.rejected, receipt.rejected
    subprocess.run(
        [sys.executable, "-m", "fairshot.service.jobs", "train", str(folder)], check=True, capture_output=True
    )
