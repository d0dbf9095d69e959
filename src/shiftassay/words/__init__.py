"""Text as people and machines may be given it. Knows no other room."""
