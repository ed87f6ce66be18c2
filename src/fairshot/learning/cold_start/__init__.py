"""Cold-start models: vectors of items that nobody has seen yet, from their content; plain arrays come out."""
