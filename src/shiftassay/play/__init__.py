"""The playground: a local page where shifts are put on a picture and every network answers at once."""
