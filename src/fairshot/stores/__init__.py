"""Stores: the durable log with its records, checkpoints of state, and versioned artifacts."""
