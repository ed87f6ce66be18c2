"""Filters: what must not be shown. A file here is a stage by its name."""
