"""What a page shows of how a network came to its answer: a file for each view."""
