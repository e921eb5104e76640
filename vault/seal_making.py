"""Making a national seal (制章): its picture drawn from the organisation's name, signed by its maker."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from signing.keys import SealingKey
from signing.ses import Picture, SealInfo, make_seal
from signing.typeset import SEAL_MM, seal_ofd, seal_picture, seal_png

# Of a seal that is registered nowhere: as long as what a round seal shows, and of a province that is none.
NUMBER_BEGINS = "99"
NUMBER_DIGITS = 13


class PictureKind(StrEnum):
    """How a national seal carries its picture."""

    OFD = "ofd"
    PNG = "png"


@dataclass(frozen=True, slots=True)
class MadeSeal:
    """A SESeal (GB/T 38540 V4), and its picture as PDF drawing operators in a box of 1000 by 1000 units."""

    content: bytes = field(repr=False)
    picture: bytes = field(repr=False)


def make_national_seal(
    maker: SealingKey,
    *,
    signer: bytes,
    authority_name: str,
    centre: str | None,
    serial: str | None,
    picture: PictureKind,
    valid_to: datetime,
    at: datetime,
) -> MadeSeal:
    """A round seal of 42 mm for one signer, valid from now on. `signer`: their certificate, DER.

    `centre`: a line below the star. `serial`: the registered number, which the picture shows and esID is;
    None for one of thirteen digits by chance.

    Raises:
        InputError: a text is empty, too long or has a character that the font does not, or the maker's key is
            none that makes national seals.
    """
    chance = (secrets.choice("0123456789") for _ in range(NUMBER_DIGITS - len(NUMBER_BEGINS)))
    number = serial or NUMBER_BEGINS + "".join(chance)
    operators = seal_picture(authority_name, centre=centre, serial=number).operators
    content = seal_ofd(operators) if picture is PictureKind.OFD else seal_png(operators)
    info = SealInfo(
        es_id=number,
        name=authority_name if centre is None else f"{authority_name}({centre})",
        certificates=(signer,),
        created_at=at,
        valid_from=at,
        valid_to=valid_to,
        picture=Picture(picture.value, content, SEAL_MM, SEAL_MM),
    )
    return MadeSeal(make_seal(info, maker), operators)
