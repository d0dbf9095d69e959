"""The diagnosis benchmark: shifts made by other code than the catalogue's, and a judge of the verdicts on them."""
