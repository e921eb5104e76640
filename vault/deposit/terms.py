"""What a request is held against: the catalogue in force at its first deposit, what was deposited at a retry.

The catalogue changes, and so does what a client may issue. A case that is deposited stays deposited: its
retry is compared with what was taken then, and nothing in force today has a say in it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from typing import Any

from vault.catalogue import InForce, check_face, check_holders, check_validity
from vault.deposit.forms import Findings
from vault.errors import InputError
from vault.model.access import Action, Kind, Resource, permitted
from vault.model.actors import ClientGrant
from vault.model.catalogue import CertificateType, DocumentFormat
from vault.model.citizen_id import LENGTH as CITIZEN_ID_CHARS
from vault.model.citizen_id import CitizenId
from vault.model.credit_code import SocialCreditCode
from vault.model.holders import Holder

# Codes of service items have 12 to 31 letters and digits; cities write hyphens and dots into their own.
_ITEM_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,63}")
# Enough to find a slip of the keyboard among thousands of codes.
NEAREST_SHOWN = 3


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What a result says by itself, whatever the catalogue says. None: it is among the findings."""

    type_code: str
    authority: str | None
    holders: tuple[Holder, ...] | None
    issued_on: date | None
    valid_from: date | None
    valid_to: date | None
    fields: Mapping[str, Any]
    formats: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What a result leaves to the terms: who issues it, and as what it is made."""

    authority: str
    formats: tuple[DocumentFormat, ...]


@dataclass(frozen=True, slots=True)
class FirstTime:
    """Against the catalogue in force and the client's grant. `listed_items_only`: the operator's choice."""

    catalogue: InForce
    client: ClientGrant
    listed_items_only: bool

    def check_service_item(self, findings: Findings, pointer: str, code: str) -> None:
        """The case's item. A deposit asks nothing of it: an unlisted one passes unless the operator minds.

        It is kept in clear, so it has to be a code, and nobody's number.
        """
        if not _ITEM_CODE.fullmatch(code) or _is_somebodys(code):
            findings.add(pointer, "Expected a service item's code (事项编码), got another text.")
            return
        items = self.catalogue.items
        if not self.listed_items_only or code in items:
            return
        names = {each.code: each.name for each in items.values()}
        detail = (
            "There is no service item with this code in force; GET /v1/catalogue/service-items lists them."
        )
        findings.add(pointer, detail + _nearest(names, code))

    def check_material(self, findings: Findings, pointer: str, code: str, name: str) -> None:
        """A material's type; `name` helps to find the one that was meant.

        Under a code that no item asks for, a material would be kept and never be found for reuse.
        """
        materials = self.catalogue.materials
        if not materials or code in materials:  # a catalogue without materials has nothing to compare with
            return
        names = {each.code: each.name for each in materials.values()}
        detail = "There is no material with this code in force; GET /v1/catalogue/materials lists them."
        findings.add(pointer, detail + _nearest(names, code, name))

    def settle(self, findings: Findings, n: int, result: ReadResult) -> Settled | None:
        """Type, authority, holders, face, formats and validity as the type in force wants them."""
        pointer, kind = f"/results/{n}", self.catalogue.types.get(result.type_code)
        if kind is None:
            names = {each.code: each.name for each in self.catalogue.types.values()}
            detail = (
                "There is no certificate type with this code in force; GET /v1/catalogue/types lists them."
            )
            findings.add(f"{pointer}/type", detail + _nearest(names, result.type_code))
            return None
        authority = self._authority(findings, f"{pointer}/issuing_authority", kind, result.authority)
        with findings.under(pointer):
            if result.holders is not None:
                check_holders(kind, result.holders)
        with findings.under(pointer):
            check_face(kind, result.fields)
        formats = _formats(findings, f"{pointer}/formats", kind, result.formats)
        if result.issued_on is not None and result.valid_from is not None:
            with findings.under(pointer):
                check_validity(
                    kind,
                    issued_on=result.issued_on,
                    valid_from=result.valid_from,
                    valid_to=result.valid_to,
                )
        return None if authority is None else Settled(authority, formats)

    def _authority(
        self, findings: Findings, pointer: str, kind: CertificateType, named: str | None
    ) -> str | None:
        entitled = issuers_for(self.client, kind)
        if named is not None:
            if named in entitled:
                return named
            findings.add(pointer, "This client may not issue this type for this authority.")
            return None
        if len(entitled) == 1:
            return entitled[0]
        if entitled:
            findings.add(
                pointer, f"Several authorities come into question: name one of {', '.join(entitled)}."
            )
        else:
            findings.add(pointer, "This client acts for no authority that may issue this type.")
        return None


@dataclass(frozen=True, slots=True)
class SecondTime:
    """Against the request that was deposited: what is left out means what it meant then."""

    deposited: Sequence[Mapping[str, Any]]

    def settle(self, findings: Findings, n: int, result: ReadResult) -> Settled | None:
        """What was settled then, where the request says nothing else; the comparison tells what differs."""
        then = self.deposited[n] if n < len(self.deposited) else {"issuing_authority": "", "formats": []}
        as_then = result.formats is None or sorted(result.formats) == sorted(then["formats"])
        formats = then["formats"] if as_then else result.formats or []
        if not set(formats) <= set(DocumentFormat):
            findings.add(f"/results/{n}/formats", f"Expected {' and '.join(DocumentFormat)} or one of them.")
            return None
        authority = str(then["issuing_authority"]) if result.authority is None else result.authority
        return Settled(authority, tuple(DocumentFormat(f) for f in formats))


Terms = FirstTime | SecondTime


def issuers_for(client: ClientGrant, kind: CertificateType) -> tuple[str, ...]:
    """USCCs of the authorities for which this client may issue this type, in the type's order."""
    codes = (authority.code for authority in kind.authorities)
    return permitted(client, Action.ISSUE, codes, lambda code: Resource(Kind.CERTIFICATE, code, kind.code))


def _formats(
    findings: Findings, pointer: str, kind: CertificateType, value: Sequence[str] | None
) -> tuple[DocumentFormat, ...]:
    """What is asked for, each once; left out, the first that the type names.

    In one order, so that two requests for the same files are the same.
    """
    possible = [f.value for f in kind.formats]
    wanted = possible[:1] if value is None else list(value)
    if not wanted or len(set(wanted)) != len(wanted) or not set(wanted) <= set(possible):
        findings.add(
            pointer,
            f"{kind.name} is made as {', '.join(possible)}: expected one or more of these, each once.",
        )
        return ()
    return tuple(f for f in DocumentFormat if f in wanted)


def _nearest(names: Mapping[str, str], code: str, name: str = "") -> str:
    """The codes that were perhaps meant, with their names; never what came, which may be anything."""
    by_name = {each: known for known, each in names.items()}
    near = [by_name[each] for each in _close(name, by_name)] + _close(code, names)
    shown = [f"{each} {names[each]}" for each in dict.fromkeys(near)][:NEAREST_SHOWN]
    return f" Nearest: {', '.join(shown)}." if shown else ""


def _close(text: str, possible: Collection[str]) -> list[str]:
    return get_close_matches(text, possible, n=NEAREST_SHOWN)


def _is_somebodys(code: str) -> bool:
    """Whether this is the number of a person or an organisation (both have 18 characters)."""
    if len(code) != CITIZEN_ID_CHARS:
        return False
    for read in (CitizenId.parse, SocialCreditCode.parse):
        try:
            read(code)
        except InputError:
            continue
        return True
    return False
