"""The study of shifted test sets: a network meets variants of its test set."""
