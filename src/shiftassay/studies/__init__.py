"""Studies: their files, what they find, and how they are run."""
