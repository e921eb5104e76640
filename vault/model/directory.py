"""The directories of electronic certificates (电子证照目录) that a city reports upward: what they say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from vault.model.catalogue import HolderKind
from vault.model.certificate import Status
from vault.model.holders import Holder
from vault.model.origin import OriginKind


class Directory(StrEnum):
    """By the kind of holder; the value names its file."""

    RESIDENT = "resident"  # 居民电子证照目录: somebody who holds it is a person
    ORGANISATION = "organisation"  # 法人电子证照目录: somebody who holds it is an organisation


DIRECTORY_NAMES: Mapping[Directory, str] = {
    Directory.RESIDENT: "居民电子证照目录",
    Directory.ORGANISATION: "法人电子证照目录",
}
_BY_KIND = {
    HolderKind.PERSON: Directory.RESIDENT,
    HolderKind.ORGANISATION: Directory.ORGANISATION,
}


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """What a directory says of a certificate.

    `type_name` and `authority_name`: as the version of the type says under which it was issued.
    `status_on`: the day from which its status holds. `predecessor` and `successor`: identifiers of the
    versions before and after it.
    """

    identifier: str
    version: int
    type_code: str
    type_name: str
    authority: str
    authority_name: str
    number: str = field(repr=False)
    holders: tuple[Holder, ...] = field(repr=False)
    issued_on: date
    valid_from: date
    valid_to: date | None
    status: Status
    status_on: date
    status_since: datetime
    predecessor: str | None
    successor: str | None
    service_item: str
    committed_at: datetime
    origin: OriginKind = OriginKind.BORN_SEALED

    @property
    def directories(self) -> frozenset[Directory]:
        """Where it stands: in both where a person and an organisation hold it together."""
        return frozenset(_BY_KIND[holder.code.kind] for holder in self.holders)


# 证照状态. No national list of statuses was found; these codes are those of the housing ministry's interface:
# 01 有效, 02 暂扣, 03 撤销, 04 注销, 05 失效, 06 办理转出, 07 吊销, 99 其他. Expiry is no status: it follows
# from ZZYXQJZRQ, and nobody reports anything on that day.
STATUS_CODES: Mapping[Status, tuple[str, str]] = {
    Status.VALID: ("01", "有效"),
    Status.SUSPENDED: ("02", "暂扣"),
    Status.WITHDRAWN: ("03", "撤销"),
    Status.CANCELLED: ("04", "注销"),
    Status.SUPERSEDED: ("05", "失效（已由新版本取代）"),
    Status.REVOKED: ("07", "吊销"),
    Status.ABOLISHED: ("99", "签发错误，作废"),
}
