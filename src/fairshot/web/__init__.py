"""The page for people: choose somebody, see their slate and why, react, and see the next one change."""

from fairshot.web.page import handlers

__all__ = ["handlers"]
