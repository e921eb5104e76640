"""What an OFD certificate says of itself to machines: CustomDatas, and the face data as an attachment.

The short names are those of GB/T 36903 as implementers of GB/T 36905 embed them; neither text is free, and
neither was read. Dates are ISO 8601, moments in China's time.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from vault.model.holders import HOLDER_CODE_TYPES, Holder
from vault.model.legal_time import LEGAL_TIME

FACE_FILE: Final = "face.json"
FACE_NAME: Final = "照面数据"


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A certificate's metadata and face data. `valid_to` None: long-term. `seal_name` None: not said.

    `authority_code`: the issuer's social credit code; `fields`: the face fields by key, as deposited.
    """

    type_name: str
    type_code: str
    number: str = field(repr=False)
    identifier: str
    authority_name: str
    authority_code: str
    issued_on: date
    valid_from: date
    valid_to: date | None
    holders: Sequence[Holder] = field(repr=False)
    fields: Mapping[str, Any] = field(repr=False)
    seal_name: str | None = None


def custom_datas(facts: CertificateFacts, *, at: datetime) -> Iterator[tuple[str, str]]:
    """Short name and value; the four names of a holder come once for each holder, in one order."""
    yield "ZZMC", facts.type_name
    yield "ZZLXDM", facts.type_code
    yield "ZZBH", facts.number
    yield "ZZBS", facts.identifier
    yield "ZZBFJG", facts.authority_name
    yield "ZZBFJGDM", facts.authority_code
    yield "ZZBFRQ", facts.issued_on.isoformat()
    for holder in facts.holders:
        yield "CZZT", holder.name
        yield "CZZTDM", holder.code.value
        yield "CZZTDMLX", HOLDER_CODE_TYPES[holder.code.code_type].zh
        yield "CZZTDMLXDM", holder.code.code_type
    yield "ZZYXQQSRQ", facts.valid_from.isoformat()
    if facts.valid_to is not None:
        yield "ZZYXQJZRQ", facts.valid_to.isoformat()
    if facts.seal_name is not None:
        yield "ZZQZMC", facts.seal_name
    yield "CJSJ", at.astimezone(LEGAL_TIME).isoformat(timespec="seconds")


def face_data(facts: CertificateFacts, *, at: datetime) -> bytes:
    """The attachment: `metadata` by short names (a list where there are several), `fields` as deposited."""
    metadata: dict[str, str | list[str]] = {}
    of_holders = {"CZZT", "CZZTDM", "CZZTDMLX", "CZZTDMLXDM"}
    for name, value in custom_datas(facts, at=at):
        if name in of_holders:
            listed = metadata.setdefault(name, [])
            if isinstance(listed, list):
                listed.append(value)
        else:
            metadata[name] = value
    said = {"metadata": metadata, "fields": facts.fields}
    return json.dumps(said, ensure_ascii=False, sort_keys=True, indent=1).encode()
