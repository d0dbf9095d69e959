"""Figures, HTML and Markdown from findings."""
