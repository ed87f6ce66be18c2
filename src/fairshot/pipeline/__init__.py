"""The pipeline: an engine, and one folder for each kind of stage."""
