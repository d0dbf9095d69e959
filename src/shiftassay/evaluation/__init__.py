"""From a model's answers to its accuracy, how sure that is, and how it compares."""
