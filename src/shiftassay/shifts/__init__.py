"""The catalogue of shifts: a class for each family, a file for each group of them."""
