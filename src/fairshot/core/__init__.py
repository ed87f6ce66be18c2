"""The shared words: what every room of fairshot may speak of, and nothing that acts."""
