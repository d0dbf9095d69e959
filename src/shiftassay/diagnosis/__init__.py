"""From a reference and a shifted set to the shift between them, why it mattered, and what it leaves."""
