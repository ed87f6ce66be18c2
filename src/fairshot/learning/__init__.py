"""What is fitted from events: each module turns data into arrays that the pipeline reads."""
