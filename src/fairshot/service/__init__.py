"""The service: the HTTP interface, the worker beside it, and what keeps both running."""
