"""What a copy of a material says across its page, by the material's trust level (国办函〔2016〕108号)."""

from datetime import date

from vault.errors import InputError
from vault.model.certificate import TrustLevel

_PURPOSE = "仅供办理政务服务事项时使用"


def watermark_text(level: TrustLevel, authority: str, valid_to: date | None) -> str:
    """One line of Chinese. `authority`: name of the body that made it; only level A names it.

    A and B are worded as the guide words them; for C and D it has no text, so those are ours.

    Raises:
        InputError: level A without an authority.
    """
    match level:
        case TrustLevel.A:
            if not authority.strip():
                raise InputError.at("/authority", "A watermark of level A names the body: expected a name.")
            return f"此件由{authority}提供，{_PURPOSE}，{_period(valid_to)}"
        case TrustLevel.B:
            ending = "" if valid_to is None else f"，{_period(valid_to)}"
            return f"此件经与原件核对无误，{_PURPOSE}{ending}"
        case TrustLevel.C:
            return "此件由申请人上传，尚未与原件核对，核对前不得作为办理依据"
        case TrustLevel.D:
            return f"此件由申请人提供并承诺属实，{_PURPOSE}"


def _period(valid_to: date | None) -> str:
    if valid_to is None:
        return "长期有效"
    return f"有效期至{valid_to.year}年{valid_to.month}月{valid_to.day}日"
