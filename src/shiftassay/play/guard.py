"""Who may ask the playground: pages that it served itself, to whoever has its address."""

from secrets import compare_digest

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 12_000_000  # bytes
SAFE = ("GET", "HEAD")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",  # the address holds the token
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """An ASGI application behind a token in its path, for requests from its own origin alone.

    `hosts` are the names, with port, that the page may be asked under: others are those of a foreign site whose name
    was made to lead here (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, token: str, hosts: frozenset[str]):
        self.app = app
        self.token = token
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            refusal = self._refusal(scope)
            app = self.app if refusal is None else PlainTextResponse(refusal[1], refusal[0])
            await app({**scope, "root_path": f"/{self.token}"}, receive, _with_headers(send))

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """The status and the reason with which a request is refused; None if it is not."""
        headers = Headers(scope=scope)
        _, token, *rest = [*scope["path"].split("/"), ""][:3]
        if headers.get("host", "") not in self.hosts:
            return 403, "asked under a name that is not this page's"
        if not rest or not compare_digest(token.encode(errors="replace"), self.token.encode()):
            return 404, "not found"
        origin = headers.get("origin")
        if (origin is None and scope["method"] not in SAFE) or origin not in (None, *self._origins):
            return 403, "asked from another page"
        length = headers.get("content-length")
        if length is None and "transfer-encoding" in headers:
            return 411, "send the length of the body"
        if length is not None and int(length) > LARGEST_BODY:
            return 413, f"more than {LARGEST_BODY // 10**6} MB"
        return None

    @property
    def _origins(self) -> list[str]:
        return [f"http://{host}" for host in self.hosts]


def _with_headers(send: Send) -> Send:
    """Send with the headers that keep what is shown here, and its address, on this page."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(HEADERS)
        await send(message)

    return sending
