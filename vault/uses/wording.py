"""What a usage copy (加注件) says across and below its pages."""

from datetime import date

from signing.typeset import UsageWords
from storage.materials import ArchivedMaterial
from vault.model.catalogue import CertificateType
from vault.model.certificate import CertificateRecord
from vault.model.origin import OriginKind, origin_words
from vault.model.use import UseRecord
from vault.model.watermark import watermark_text
from vault.uses.admitting import Used

TITLE = "加注件"
_LEAD = "用证副本，只在下列用途和期限内有效；挪作他用或改动过的无效"


def copy_words(
    use: UseRecord, used: Used, kind: CertificateType | None, *, original_sha256: str, public_url: str
) -> UsageWords:
    """The words for one use; of a material first the text of its trust level (国办函〔2016〕108号)."""
    last = _chinese_day(use.last_day)
    level: tuple[str, ...] = ()
    from_where: tuple[str, ...] = ()
    match used:
        case CertificateRecord():
            lead = f"电子证照{_LEAD}"
            original = f"原件　{'' if kind is None else kind.name}　{used.identifier}"
            if used.origin.kind is not OriginKind.BORN_SEALED:
                from_where = (f"原件来源　{origin_words(used.origin.kind)[0]}",)
        case ArchivedMaterial():
            level = (watermark_text(used.trust, used.client_name, used.valid_to),)
            lead = level[0]
            original = f"原件　材料库 {used.type_code}　{used.material_id}"
    return UsageWords(
        cell=(
            *level,
            f"仅供：{use.purpose}",
            f"使用单位：{use.organisation}",
            f"办件：{use.case_number}",
            f"有效期至{last}",
        ),
        title=TITLE,
        lead=lead,
        rows=(
            ("用　　途", use.purpose),
            ("使用单位", use.organisation),
            ("办件编号", use.case_number),
            ("有效期至", f"{last}，期满或撤回后无效"),
        ),
        fine=(
            original,
            *from_where,
            f"原件摘要　SHA-256 {original_sha256}",
            f"核验　将本文件上传到 {public_url}/　用证编号 {use.use_id}",
        ),
    )


def _chinese_day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
