"""What copies say, by the level of the material."""

from datetime import date

import pytest

from vault.errors import InputError
from vault.model.certificate import TrustLevel
from vault.model.watermark import watermark_text


@pytest.mark.parametrize(
    ("level", "valid_to", "text"),
    [
        (
            TrustLevel.A,
            date(2031, 1, 5),
            "此件由样例市民政局提供，仅供办理政务服务事项时使用，有效期至2031年1月5日",
        ),
        (TrustLevel.A, None, "此件由样例市民政局提供，仅供办理政务服务事项时使用，长期有效"),
        (TrustLevel.B, None, "此件经与原件核对无误，仅供办理政务服务事项时使用"),
        (
            TrustLevel.B,
            date(2026, 12, 31),
            "此件经与原件核对无误，仅供办理政务服务事项时使用，有效期至2026年12月31日",
        ),
    ],
)
def test_a_and_b_as_the_guide_words_them(level: TrustLevel, valid_to: date | None, text: str) -> None:
    assert watermark_text(level, "样例市民政局", valid_to) == text


def test_every_level_says_something_else_and_c_and_d_claim_no_check() -> None:
    texts = {level: watermark_text(level, "样例市民政局", None) for level in TrustLevel}
    assert len(set(texts.values())) == len(TrustLevel)
    for level in (TrustLevel.C, TrustLevel.D):
        assert "核对无误" not in texts[level]
        assert "申请人" in texts[level]


def test_level_a_names_its_body() -> None:
    with pytest.raises(InputError, match="names the body"):
        watermark_text(TrustLevel.A, " ", None)
