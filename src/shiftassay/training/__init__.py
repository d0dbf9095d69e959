"""The engine that trains one model or many, and its paths."""
