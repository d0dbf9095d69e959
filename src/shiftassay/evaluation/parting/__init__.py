"""Why two models answer the same images otherwise.

Each kind of explanation (precision, mode, weights, input) is a file, whose `trials` change one of the two models as the
explanation has it. It holds as far as the changed model gives the other's answers.
"""
