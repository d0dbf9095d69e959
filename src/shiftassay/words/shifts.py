"""One shift in words, whatever holds it."""

from shiftassay.words.numbers import Parameters, parameter

SCOPES = {"shared": ", the same for all images", "per_image": ", drawn afresh for each image", None: ""}
BRIEF_SCOPES = {"shared": "", "per_image": " per image", None: ""}


def shift_in_words(
    family: str,
    parameters: Parameters,
    scope: str,
    intervals: Parameters | None = None,
    digits: int = 6,
    name: str | None = None,
) -> str:
    """A family, its informative parameters, what is known under these, and its scope in words.

    >>> shift_in_words("rotate", {"angle": 15.0}, SCOPES["shared"], {"angle": [14.9, 15.1]})
    'rotate (angle = 15 [14.9, 15.1]), the same for all images'
    >>> shift_in_words("grayscale", {"channels": 1}, "", name="BT.601")
    'grayscale (channels = 1): BT.601'
    """
    values = [f"{key} = {parameter(value, (intervals or {}).get(key), digits)}" for key, value in parameters.items()]
    return family + (f" ({', '.join(values)})" if values else "") + (f": {name}" if name else "") + scope
