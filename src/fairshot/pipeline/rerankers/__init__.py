"""Rerankers: what makes a list of items a good slate. A file here is a stage by its name."""
