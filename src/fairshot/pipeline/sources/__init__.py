"""Sources: where candidates come from. A file here is a stage by its name."""
