"""Serving the playground to this machine alone."""

import secrets
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from shiftassay.errors import BadInput
from shiftassay.play.playground import Playground

if TYPE_CHECKING:
    from uvicorn import Server

HOST = "127.0.0.1"
EXTRA = "pip install 'shiftassay[play]'"
MOST_AT_A_TIME = 64  # requests


def serve(
    playground: Playground, *, port: int = 0, notes: Sequence[str] = (), ready: Callable[[str], object] = print
) -> None:
    """Serve the page until interrupted, on the loopback interface, under a new random address.

    `ready` is told the address, when it answers. `port` 0 is any that is free. `notes` are sentences for the page.
    Raises `BadInput` for a port that can't be had, and where the packages of the extra `play` are missing.
    """
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port))
        except OSError as error:
            raise BadInput(f"port {port}: can't be had ({error.strerror}). Name another, or 0 for any.") from None
        server, address = server_on(listening, playground, notes)
        listening.listen()
        ready(address)
        server.run(sockets=[listening])


def server_on(listening: socket.socket, playground: Playground, notes: Sequence[str] = ()) -> "tuple[Server, str]":
    """A server for a bound socket, which runs when told to, and the address of its page.

    Raises `BadInput` where the packages of the extra `play` are missing.
    """
    try:
        import uvicorn

        from shiftassay.play.app import application
        from shiftassay.play.guard import Guard
    except ModuleNotFoundError as error:
        raise BadInput(f"the playground needs {error.name}, which is not installed: {EXTRA}") from None
    token, port = secrets.token_urlsafe(24), listening.getsockname()[1]
    hosts = frozenset({f"{HOST}:{port}", f"localhost:{port}"})
    config = uvicorn.Config(
        Guard(application(playground, notes), token, hosts),
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_AT_A_TIME,
        timeout_graceful_shutdown=1,
        ws="none",
    )
    return uvicorn.Server(config), f"http://{HOST}:{port}/{token}/"
