"""A morning at the counter of the housing bureau: a company, what it holds, and a clerk."""

import secrets
from dataclasses import dataclass, field
from datetime import timedelta

from playwright.sync_api import Page

from api.local_provider.book import Account
from tests.browser.looking import Visitor
from tests.browser.people import Part, account_of
from tests.browser.served import Served
from tests.flows.test_reuse import (
    CONSTRUCTION,
    ESCROW,
    LICENCE,
    PLANNING,
    PRESALE,
    given,
    new_company,
    with_material,
)
from tests.requests import new_case_number
from tests.trials import now
from vault.model.certificate import CertificateRecord
from vault.model.legal_time import legal_day


@dataclass(frozen=True, slots=True)
class Counter:
    """Who works there, who stands before it. The escrow agreement is of level C, the planning permit old."""

    clerk: Account
    company: dict[str, str] = field(repr=False)
    certificate: CertificateRecord
    number: str


def counter_of(served: Served) -> Counter:
    """A new clerk, and a company that holds some of what the presale permit asks for."""
    house = served.house
    office = house.catalogue.items[PRESALE].authority.code
    clerk = account_of(Part.CLERK, served, office=office)
    served.provider.keep(clerk)
    company = new_company()
    given(house, LICENCE, company)
    certificate = given(house, CONSTRUCTION, company)
    today = legal_day(now())
    days = {"issued_on": today - timedelta(days=900), "valid_from": today - timedelta(days=900)}
    given(
        house,
        PLANNING,
        company,
        **{name: day.isoformat() for name, day in days.items()},
        valid_to=(today - timedelta(days=20)).isoformat(),
    )
    with_material(house, company, ESCROW, "C", issued_on=today.isoformat())
    return Counter(clerk, company, certificate, new_case_number())


def fill_in(visitor: Visitor, counter: Counter) -> Page:
    """Types a case as at the counter, each field ended by Enter, as a reader does."""
    page = visitor.open("/desk")
    page.locator(".desk-head .press button").click()
    page.locator("#number").fill(counter.number)
    page.locator("#item").fill("商品房预售许可")
    page.locator("#applicant").fill(counter.company["code"])
    page.locator("#applicant").press("Enter")
    page.locator("[data-line]").first.wait_for()
    return page


def fresh_name() -> str:
    """A case number that nobody used."""
    return f"YS-2026-{secrets.randbelow(10**6):06}"
