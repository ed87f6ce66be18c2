"""Blenders: what is placed into the finished slate. A file here is a stage by its name."""
