"""A seal, its maker and signer, and the platform that closes documents, under a development authority."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from signing.national.authority import NationalAuthority, issue_national_certificate, new_national_authority
from signing.national.sealing_key import NationalSealingKey, load_national_key
from signing.ofd import OfdPlace, seal_ofd
from signing.ses import Picture, SealInfo, make_seal
from signing.typeset import seal_picture
from signing.typeset.seal_forms import seal_png

NOW = datetime.now(UTC).replace(microsecond=0)
ORGANISATION = "样例市行政审批局"
PASSPHRASE = b"only for tests"
PLACE = OfdPlace(page=1, x_mm=160, y_mm=120, width_mm=42, height_mm=42)


@dataclass(frozen=True, slots=True)
class Sealing:
    """Everything that sealing an OFD needs."""

    maker: NationalSealingKey
    signer: NationalSealingKey
    platform: NationalSealingKey
    seal: bytes = field(repr=False)


@cache
def new_sealing() -> Sealing:
    """Fresh keys and a seal of an invented organisation, once for a run."""
    authority = new_national_authority(passphrase=PASSPHRASE, at=NOW)
    maker, signer, platform = (_key(authority, name) for name in ("样例制章", ORGANISATION, "样例证照平台"))
    drawn = seal_picture(ORGANISATION, centre=None, serial="990100000123")
    info = SealInfo(
        es_id="99010000000123",
        name=ORGANISATION,
        certificates=(signer.certificate,),
        created_at=NOW,
        valid_from=NOW - timedelta(hours=1),
        valid_to=NOW + timedelta(days=365),
        picture=Picture("png", seal_png(drawn.operators), 42, 42),
    )
    return Sealing(maker, signer, platform, make_seal(info, maker))


def sealed(document: bytes, *, place: OfdPlace = PLACE, closed: bool = True) -> bytes:
    """The document with the seal on its first page, and closed unless that is not wanted."""
    keys = new_sealing()
    return seal_ofd(
        document,
        seal=keys.seal,
        place=place,
        key=keys.signer,
        closing_key=keys.platform if closed else None,
        at=NOW,
    )


def _key(authority: NationalAuthority, organisation: str) -> NationalSealingKey:
    issued = issue_national_certificate(
        authority,
        PASSPHRASE,
        organisation=organisation,
        uscc="91350100M000100Y43",
        passphrase=PASSPHRASE,
        at=NOW,
    )
    return load_national_key(issued.key_pem, PASSPHRASE, issued.certificate_pem)
