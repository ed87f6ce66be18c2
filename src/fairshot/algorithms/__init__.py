"""Published methods as pure functions on arrays; they know nothing of the product."""
