"""What can go wrong, named; each message says what to do about it."""


class FairshotError(Exception):
    """A failure that fairshot foresaw; its text is meant for the person who runs it."""


class ConfigError(FairshotError):
    """The configuration names something that does not exist or holds a value that cannot be."""


class MissingArtifactError(FairshotError):
    """A stage asked for a model that no loaded snapshot holds; the engine then skips the stage."""


class CorruptArtifactError(FairshotError):
    """A model's file is absent, or is not what its manifest says."""


class StageError(FairshotError):
    """A stage broke its contract: wrong shape, wrong dtype, or a number that is not finite."""


class StoreError(FairshotError):
    """The log cannot be written or read; nothing more is acknowledged until it can."""


class TrainingError(FairshotError):
    """There is too little to learn from, or a fit failed its checks; the old snapshot stays."""


class RollBackError(FairshotError):
    """There is no snapshot to return to, or its files are not whole; what serves stays."""
