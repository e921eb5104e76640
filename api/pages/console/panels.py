"""The console's pages: each asks the flow of its panel and shows what it says."""

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from api.deps import EdgeHere
from api.pages.console.charts import columns, shares
from api.pages.console.entering import Visit, entered, parts_of, path_of
from vault.console import (
    attention,
    avoided_panel,
    cases_panel,
    clients_panel,
    deposits_panel,
    imports_panel,
    log_panel,
    seals_panel,
    upkeep_panel,
)

router = APIRouter()


@router.get("/console")
def overview_page(request: Request, edge: EdgeHere) -> Response:
    """What is wrong first, then how deposits go; a custodian goes on to their seals."""

    def show(visit: Visit) -> Response:
        if parts_of(visit.person) == ("seals",):
            return RedirectResponse(path_of("seals"), 303)
        known = (visit.edge.workshop, visit.person)
        deposits = deposits_panel(*known, at=visit.at)
        cases, upkeep = cases_panel(*known), upkeep_panel(*known)
        seals, log = seals_panel(*known, at=visit.at), log_panel(*known, at=visit.at)
        clients = clients_panel(*known, at=visit.at)
        found = attention(deposits, cases, seals, log, upkeep, clients, at=visit.at)
        return visit.render(
            "overview.html",
            found=[(each, path_of(each.place)) for each in found],
            deposits=deposits,
            cases=cases,
            seals=seals,
            log=log,
            upkeep=upkeep,
            minutes=columns([(each.well, each.refused) for each in deposits.minutes]),
            hours=columns([(each.well, each.refused) for each in deposits.hours]),
        )

    return entered(request, edge, show)


@router.get("/console/cases")
def cases_page(request: Request, edge: EdgeHere) -> Response:
    """Cases that may not close."""

    def show(visit: Visit) -> Response:
        return visit.render("cases.html", panel=cases_panel(visit.edge.workshop, visit.person))

    return entered(request, edge, show)


@router.get("/console/seals")
def seals_page(request: Request, edge: EdgeHere) -> Response:
    """Seals with caps, ends and grants; renewals."""

    def show(visit: Visit) -> Response:
        return visit.render("seals.html", panel=seals_panel(visit.edge.workshop, visit.person, at=visit.at))

    return entered(request, edge, show)


@router.get("/console/log")
def log_page(request: Request, edge: EdgeHere) -> Response:
    """The transparency log and its witnesses."""

    def show(visit: Visit) -> Response:
        return visit.render("log.html", panel=log_panel(visit.edge.workshop, visit.person, at=visit.at))

    return entered(request, edge, show)


@router.get("/console/upkeep")
def upkeep_page(request: Request, edge: EdgeHere) -> Response:
    """Checks, backups, and long work under way."""

    def show(visit: Visit) -> Response:
        return visit.render("upkeep.html", panel=upkeep_panel(visit.edge.workshop, visit.person))

    return entered(request, edge, show)


@router.get("/console/clients")
def clients_page(request: Request, edge: EdgeHere) -> Response:
    """Approval systems, their webhooks and dead letters."""

    def show(visit: Visit) -> Response:
        return visit.render(
            "clients.html", panel=clients_panel(visit.edge.workshop, visit.person, at=visit.at)
        )

    return entered(request, edge, show)


@router.get("/console/avoided")
def avoided_page(request: Request, edge: EdgeHere) -> Response:
    """Resubmissions avoided, as charts."""

    def show(visit: Visit) -> Response:
        panel = avoided_panel(visit.edge.workshop, visit.person, visit.edge.avoided, at=visit.at)
        return visit.render(
            "avoided.html",
            panel=panel,
            months=columns([(count, 0) for _, count in panel.months]),
            items=shares(panel.items),
            authorities=shares(panel.authorities),
        )

    return entered(request, edge, show)


@router.get("/console/imports")
def imports_page(request: Request, edge: EdgeHere) -> Response:
    """Imports of a stock, with how far they are."""

    def show(visit: Visit) -> Response:
        panel = imports_panel(visit.edge.workshop, visit.person, at=visit.at)
        return visit.render("imports.html", panel=panel)

    return entered(request, edge, show)
