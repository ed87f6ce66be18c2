"""Files into the log: CSV, NDJSON and Parquet, in batches, with a report of every row that was refused."""

from fairshot.core.errors import FairshotError


class ImportFileError(FairshotError):
    """A file cannot be imported at all; the message says where and what would help."""
