"""Features: what scoring reads. A file here is a stage by its name."""
