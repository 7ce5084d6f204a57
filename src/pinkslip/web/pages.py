"""The landing page, the page of a decision, and what they load.

Rendered here whole, so that they read without JavaScript; a small module fetches the page again every two
seconds and exchanges the parts that changed. There is one renderer, and it escapes.
"""

from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from mimetypes import guess_type

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from pinkslip.web.auth import Scope
from pinkslip.web.decision_page import decision_view
from pinkslip.web.overview import overview_of
from pinkslip.web.query import Parameter
from pinkslip.web.routes import Call, Route, Service

CSP = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": CSP,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

SEARCH = Parameter(name="q", description="Part of the agentId, name or current task.")


def page_routes(service: Service) -> tuple[Route, ...]:
    """`/`, `/decisions/{id}` and `/static/{file}`."""
    assets = Assets.read()
    page = _Page(service, assets)
    return (
        Route(
            method="GET",
            path="/",
            scope=Scope.READ,
            handler=page.landing,
            summary="The landing page",
            media="text/html",
            query=(SEARCH,),
        ),
        Route(
            method="GET",
            path="/decisions/{id}",
            scope=Scope.READ,
            handler=page.decision,
            summary="One decision in words, with what can be done about it",
            media="text/html",
        ),
        Route(
            method="GET",
            path="/static/{file}",
            scope=Scope.READ,
            handler=assets.serve,
            summary="What the pages load",
            in_document=False,
        ),
    )


@dataclass(frozen=True, slots=True)
class Assets:
    """Our own style sheet, modules and icon, under names that change with their content."""

    by_name: dict[str, tuple[bytes, str]]
    named: dict[str, str]
    """`pinkslip.css` to `pinkslip-1a2b3c4d.css`."""

    @classmethod
    def read(cls) -> "Assets":
        """Everything in `static/`."""
        by_name, named = {}, {}
        for file in files("pinkslip.web").joinpath("static").iterdir():
            body = file.read_bytes()
            stem, _, suffix = file.name.rpartition(".")
            hashed = f"{stem}-{sha256(body).hexdigest()[:8]}.{suffix}"
            by_name[hashed] = body, guess_type(file.name)[0] or "application/octet-stream"
            named[file.name] = hashed
        return cls(by_name, named)

    async def serve(self, call: Call[None]) -> web.Response:
        """One file; its name changes when it does, so it may be kept for ever."""
        found = self.by_name.get(call.request.match_info["file"])
        if found is None:
            raise web.HTTPNotFound
        body, kind = found
        return web.Response(
            body=body,
            headers={
                "Content-Type": kind,
                "Cache-Control": "public, max-age=31536000, immutable",
                "X-Content-Type-Options": "nosniff",
            },
        )


class _Page:
    def __init__(self, service: Service, assets: Assets) -> None:
        environment = Environment(
            loader=PackageLoader("pinkslip.web"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        links = service.links
        environment.globals.update(
            link=links.to,
            agent_link=links.agent,
            decision_link=links.decision,
            asset=lambda name: links.to(f"/static/{assets.named[name]}"),
            version=service.version,
        )
        self._landing = environment.get_template("landing.html")
        self._decision = environment.get_template("decision.html")

    async def landing(self, call: Call[None]) -> web.Response:
        """The landing page as it stands now."""
        overview = await overview_of(call)
        host = call.request.headers.get("Host", "127.0.0.1:8740")
        url = call.service.links.external_url or f"http://{host}{call.service.links.base}"
        return _page(self._landing.render(view=overview, url=url))

    async def decision(self, call: Call[None]) -> web.Response:
        """The page of one decision."""
        return _page(self._decision.render(view=await decision_view(call)))


def _page(text: str) -> web.Response:
    return web.Response(body=text.encode(), headers=PAGE_HEADERS)
