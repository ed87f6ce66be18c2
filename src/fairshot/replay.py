"""Replay: the log once more, in its order, so that any moment of the past can be looked at as it was."""
