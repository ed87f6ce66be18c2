"""How far the log is, told without reading it: what the worker looks at every few seconds."""

from pathlib import Path

from fairshot.core.events import Kind
from fairshot.stores.log import connect


class Progress:
    """A view on the log of a data directory. Not thread-safe."""

    def __init__(self, database: Path) -> None:
        self._db = connect(database)
        self._searched = 0
        self._feedback = 0

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def head(self) -> int:
        """The number of the latest event, 0 for an empty log."""
        (seq,) = self._db.execute("SELECT coalesce(max(seq), 0) FROM log").fetchone()
        return int(seq)

    def trained(self) -> int:
        """The number at which a snapshot was last promoted, refused or rolled back; 0 where none was.

        Such verdicts are named by their time, so theirs begin with a digit.
        """
        query = """SELECT seq FROM log WHERE id >= 'verdict/0' AND id < 'verdict/:' AND kind = ?
            ORDER BY id DESC LIMIT 1"""
        found = self._db.execute(query, (Kind.VERDICT,)).fetchone()
        return 0 if found is None else int(found[0])

    def has_feedback(self, least: int) -> bool:
        """Whether there are so many reactions; searches only what came since it was last asked."""
        if self._feedback < least:
            head = self.head()
            query = "SELECT count(*) FROM log WHERE seq > ? AND seq <= ? AND kind = ?"
            (new,) = self._db.execute(query, (self._searched, head, Kind.FEEDBACK)).fetchone()
            self._feedback, self._searched = self._feedback + new, head
        return self._feedback >= least
