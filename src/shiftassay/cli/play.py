"""`shiftassay play`: a local page where shifts are put on pictures, and networks answer."""

from pathlib import Path
from typing import Annotated

import typer

from shiftassay.cli.options import MODEL, Labels, Quiet, Takes, Trust, Unpickle
from shiftassay.cli.progress import watching
from shiftassay.cli.terminal import say


def play(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="[MODEL…]", help=f"{MODEL} By default, the newest runs in --out.")
    ] = None,
    images: Annotated[
        str, typer.Option(metavar="SET", help="Pictures to choose from: a file, a folder of pictures or a data set.")
    ] = "mnist:test",
    labels: Labels = None,
    takes: Takes = None,
    trust: Trust = False,
    unpickle: Unpickle = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to look for runs if no model is named.")] = Path(
        "out"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 for any that is free.")] = 0,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
    quiet: Quiet = False,
) -> None:
    """Serve a page to this machine alone, on which pictures are shifted and every network answers.

    It is stopped with Ctrl-C. Nothing leaves the machine.

    Example: `shiftassay train mlp --epochs 1 && shiftassay play`
    """
    import webbrowser

    import torch

    from shiftassay.imagesets.read import read_image_set
    from shiftassay.play.networks import named_networks, networks_in
    from shiftassay.play.playground import Playground
    from shiftassay.play.serve import serve

    torch.set_num_threads(1)  # one picture at a time: more threads would only cost
    with watching() as watch:
        image_set = read_image_set(images, labels=labels, unpickle=unpickle, watch=watch)
    one, notes = image_set.images[:1], list(image_set.notes)
    if models:
        networks = named_networks(models, one, takes=takes, trust=trust)
    else:
        networks, more = networks_in(out, one)
        notes += more
    for note in notes:
        say(note, error=True)

    def ready(address: str) -> None:
        say(f"The playground is at {address} (Ctrl-C ends it)")
        if browser:
            webbrowser.open(address)

    serve(Playground(image_set, networks), port=port, notes=notes, ready=ready)
