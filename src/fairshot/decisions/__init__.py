"""Decisions: what is concluded from state and models, each with its reasons. A decision becomes an event in the log."""
