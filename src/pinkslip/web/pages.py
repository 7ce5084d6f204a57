"""The landing page and what it loads."""

from pinkslip.web.routes import Route, Service


def page_routes(service: Service) -> tuple[Route, ...]:
    return ()
