"""A kind of certificate (证照类型), as the reviewed catalogue files define it.

Source of the terms: GB/T 36902 / 36903 as far as implementers show them (the texts are not free).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any


class HolderKind(StrEnum):
    """Who may hold a certificate of a kind."""

    PERSON = "person"
    ORGANISATION = "organisation"


class Category(StrEnum):
    """What sort of result an approval case ends in."""

    CERTIFICATE = "certificate"  # 证照
    APPROVAL = "approval"  # 批文
    PROOF = "proof"  # 证明


class DocumentFormat(StrEnum):
    """File formats a certificate is handed out in."""

    PDF = "pdf"
    OFD = "ofd"


@dataclass(frozen=True, slots=True)
class ValidityRule:
    """How long a certificate of this kind may run.

    `required`: `valid_to` must be given. `years_max`: `valid_to` at most so many years after `valid_from`;
    None where the law sets no end (long-term certificates).
    """

    required: bool
    years_max: int | None


@dataclass(frozen=True, slots=True)
class HolderRule:
    """Whose names stand on the certificate: the kinds admitted and how many holders there may be."""

    kinds: frozenset[HolderKind]
    count_min: int
    count_max: int


@dataclass(frozen=True, slots=True)
class SealPlace:
    """Where the red seal's centre stands on a typeset page, in millimetres from the top left corner.

    `page` counts from 1, and 0 is the last page (a letter may need several); `diameter_mm` is the seal's
    outer diameter (42 mm for a department's seal).
    """

    page: int
    x_mm: float
    y_mm: float
    diameter_mm: float


@dataclass(frozen=True, slots=True)
class IssuingAuthority:
    """An authority (颁发机构) entitled to issue a kind: USCC and name."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class FaceField:
    """One field of a certificate's face (照面), in the order in which it stands on the page.

    `schema` is the JSON Schema (2020-12) of its value; `wide` asks for a whole line; `unit` is printed after
    the value (平方米), empty where there is none.
    """

    key: str
    label: str
    label_en: str
    schema: Mapping[str, Any]
    required: bool
    wide: bool
    unit: str

    @property
    def photo_media_type(self) -> str | None:
        """`image/jpeg` or `image/png` where the field holds a photo in base64, else None."""
        media_type = self.schema.get("contentMediaType")
        return media_type if isinstance(media_type, str) else None


@dataclass(frozen=True, slots=True)
class CertificateType:
    """One kind of certificate. `code`: 21 characters, USCC of the defining body, three digits (GB/T 36904).

    `face` are the face fields in page order and `schema` the JSON Schema (2020-12) of them all; `title_lines`
    the title as broken on the page (empty: `name` on one line); `layout` the template's hints, texts with
    `{placeholders}` among them; `number_pattern` how numbers usually look (a hint for people, deposits are
    not held to it); `example` a whole valid member of a deposit's `results`; `digest` the SHA-256, in hex,
    of all the rest. `retention`: how long its certificates are kept at least, where the type says so itself.
    """

    code: str
    version: int
    name: str
    name_en: str
    category: Category
    authorities: tuple[IssuingAuthority, ...]
    holders: HolderRule
    validity: ValidityRule
    formats: tuple[DocumentFormat, ...]
    template: str
    seal_place: SealPlace
    title_lines: tuple[str, ...]
    layout: Mapping[str, Any]
    number_pattern: str
    face: tuple[FaceField, ...]
    schema: Mapping[str, Any]
    example: Mapping[str, Any]
    digest: str
    retention: timedelta | None = None

    def authority(self, code: str) -> IssuingAuthority | None:
        """The authority with this USCC, if it may issue this kind."""
        return next((a for a in self.authorities if a.code == code), None)
