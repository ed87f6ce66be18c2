"""The town: a simulated platform, known in truth, which drives the real application."""
