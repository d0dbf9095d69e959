"""Mechanisms in a few words."""

from shiftassay.diagnosis.mechanisms.case import Mechanism

# Mechanisms in a few words; each stands with its numbers on the variant's page.
BRIEFLY = {
    "adds_up": "the pixels' effects add up along the model's gradient",
    "beyond_range": "first-layer units are driven beyond what training drove them to",
    "biases": "biases stay as the input shrinks",
    "cancels": "the pixels' effects cancel",
    "class_prior": "classes have other shares",
    "classes_merge": "the images themselves tell classes apart less",
    "dies_out": "it dies out on its way through the network",
    "first_order": "the gradient alone foretells it",
    "grows": "it grows on its way through the network",
    "in_one_band": "one band of frequencies carries the harm",
    "in_one_place": "one part of the image carries the harm",
    "narrow_margins_lost": "images with narrow margins are lost",
    "network_merges": "the network's features run together",
    "no_linear_map": "no fixed weights fit",
    "one_linear_map": "only the weights on the pixels are wrong",
    "other_weights": "pixels meet weights that were trained for others",
    "out_of_step": "labels are out of step with images",
    "outside_span": "it puts energy where training images have none",
    "overconfident": "confidence stays while accuracy falls",
    "renumbered": "classes go by other numbers",
    "silent_units": "units fall silent",
    "within_margins": "margins are wider than what it moves",
    "woken_units": "units wake that never learned",
    "wrong_labels": "labels are wrong, not answers",
}


def briefly(mechanism: Mechanism) -> str:
    """A mechanism in a few words."""
    return BRIEFLY.get(mechanism.name, mechanism.name.replace("_", " "))
