"""The playground: a local page where pictures are shifted, and every network answers at once."""
