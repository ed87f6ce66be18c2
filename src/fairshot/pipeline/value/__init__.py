"""Value: what showing an item is worth, term by term. A file here is a stage by its name."""
