"""Recipes, and the engine that trains one model or many by them."""
