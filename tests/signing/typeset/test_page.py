"""The typesetter itself: rare characters, what does not fit, broken input, threads, sameness."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from signing.typeset import SEAL_PLACES, Typesetter
from tests.signing.typeset.pages import (
    AT,
    KINDS,
    ONE_OF_EACH,
    example_data,
    letters_of,
    page_size_mm,
    text_of,
)
from vault.errors import InputError, IntegrityError

_RARE = "𬱖㛃䶮𫖯𬭛㼆"
_UNPRINTABLE = "𠀋"  # U+2000B, in no face of ours


def _business_licence(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any member of the data
    return {**example_data(KINDS["营业执照"]), **changes}


@pytest.mark.parametrize("template", SEAL_PLACES)
def test_rare_characters_of_names_are_printed(typesetter: Typesetter, template: str) -> None:
    data = example_data(ONE_OF_EACH[template])
    data["holders"][0]["name"] = _RARE
    data["layout"] |= {"addressee": _RARE}
    page = typesetter.typeset(template, data, at=AT)
    assert _RARE in text_of(page.content)


def test_a_character_without_a_glyph_is_refused_without_being_named(typesetter: Typesetter) -> None:
    data = _business_licence()
    data["holders"][0]["name"] = f"样例{_UNPRINTABLE}公司"
    with pytest.raises(InputError) as refused:
        typesetter.typeset("licence-landscape", data, at=AT)
    (problem,) = refused.value.problems
    assert problem.pointer == "/holders/0/name"
    assert problem.detail.startswith("1 ")
    assert refused.value.__suppress_context__
    assert _UNPRINTABLE not in refused.value.detail + problem.detail


def test_a_field_without_a_glyph_is_pointed_at(typesetter: Typesetter) -> None:
    data = _business_licence()
    data["fields"] = {**data["fields"], "domicile": _UNPRINTABLE}
    data["face"][4] = {**data["face"][4], "value": _UNPRINTABLE}
    with pytest.raises(InputError) as refused:
        typesetter.typeset("licence-landscape", data, at=AT)
    assert [problem.pointer for problem in refused.value.problems] == ["/fields/domicile"]


def test_a_long_value_moves_to_an_annex_and_loses_no_letter(typesetter: Typesetter) -> None:
    data = _business_licence()
    scope = "".join(f"第{index}项许可经营项目；" for index in range(170))
    entry = next(field for field in data["face"] if field["key"] == "business_scope")
    entry["value"] = scope
    page = typesetter.typeset("licence-landscape", data, at=AT)
    assert page.page_count > 1
    assert scope in text_of(page.content)
    assert "详见附页" in text_of(page.content)


def test_ten_owners_stand_on_one_page(typesetter: Typesetter) -> None:
    data = example_data(KINDS["不动产权证书"])
    data["holders"] = [{**data["holders"][0], "name": f"样例氏第{index}人"} for index in range(10)]
    page = typesetter.typeset("booklet-spread", data, at=AT)
    text = text_of(page.content)
    assert page.page_count == 1
    assert all(f"样例氏第{index}人" in text for index in range(10))


@pytest.mark.parametrize("template", sorted(set(SEAL_PLACES) - {"approval-document", "proof-letter"}))
def test_long_names_and_values_stay_inside_the_frame(typesetter: Typesetter, template: str) -> None:
    data = example_data(ONE_OF_EACH[template])
    for holder in data["holders"]:
        holder["name"] = "样例市阿依古丽·买买提·艾孜孜建设开发有限责任公司"
    for field in data["face"]:
        if isinstance(field["value"], str):
            field["value"] = (field["value"] + "样例市湖滨区望湖路六十六号") * 3
    data["number"] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789"
    page = typesetter.typeset(template, data, at=AT)
    width, height = page_size_mm(page.content, 0)
    for letter in letters_of(page.content, 0):
        assert letter.left > 8, letter
        assert letter.right < width - 8, letter
        assert letter.bottom < height - 8, letter


def test_what_fits_nowhere_is_refused(typesetter: Typesetter) -> None:
    data = example_data(KINDS["特种作业操作证"])
    data["face"] = [{**data["face"][0], "key": f"line_{index}", "label": "作业"} for index in range(80)]
    with pytest.raises(InputError) as refused:
        typesetter.typeset("personal-card", data, at=AT)
    assert [problem.pointer for problem in refused.value.problems] == ["/fields"]


def test_a_name_too_long_for_a_panel_stands_whole_in_the_annex(typesetter: Typesetter) -> None:
    data = example_data(KINDS["结婚证"])
    data["holders"][1]["name"] = "样例" * 200
    page = typesetter.typeset("marriage-certificate", data, at=AT)
    assert data["holders"][1]["name"] in text_of(page.content)


def test_numbers_that_fit_are_copied_without_invisible_marks(typesetter: Typesetter) -> None:
    page = typesetter.typeset("booklet-spread", example_data(KINDS["不动产权证书"]), at=AT)
    assert "990102004006GB00118F00030042" in text_of(page.content)
    assert "\u200b" not in text_of(page.content)


def test_a_long_reply_is_closed_on_its_last_page(typesetter: Typesetter) -> None:
    data = example_data(KINDS["企业投资项目核准批复"])
    data["layout"]["body"] = ["同意建设该项目，项目单位应当严格执行国家规定。" * 12] * 9
    page = typesetter.typeset("approval-document", data, at=AT)
    assert page.page_count >= 3
    place = SEAL_PLACES["approval-document"]
    for index in range(page.page_count):
        near = {
            letter.text
            for letter in letters_of(page.content, index)
            if abs(letter.left - place.x_mm) < 42 and 5 < letter.top - place.y_mm < 18
        }
        assert ("月" in near and "委" in near) == (index == page.page_count - 1)


def test_text_that_looks_like_markup_is_text(typesetter: Typesetter) -> None:
    name = '#panic("x")$\\*<样例>&"公司'
    data = _business_licence()
    data["holders"][0]["name"] = name
    page = typesetter.typeset("licence-landscape", data, at=AT)
    assert name in text_of(page.content)


def test_the_same_arguments_give_the_same_bytes() -> None:
    data = _business_licence()
    first, second = (Typesetter(compilers=1).typeset("licence-landscape", data, at=AT) for _ in range(2))
    assert first.content == second.content


def test_more_threads_than_compilers_wait_for_each_other(typesetter: Typesetter) -> None:
    def number_of(index: int) -> bool:
        data = _business_licence(number=f"99010000000{index:04d}")
        page = typesetter.typeset("licence-landscape", data, at=AT)
        return data["number"] in text_of(page.content)

    with ThreadPoolExecutor(1) as reader:  # PDFium is not made for threads
        assert reader.submit(number_of, 0).result()
    with ThreadPoolExecutor(6) as threads:
        pages = list(
            threads.map(
                lambda index: typesetter.typeset(
                    "licence-landscape", _business_licence(number=f"N{index:04d}"), at=AT
                ),
                range(24),
            )
        )
    assert all(f"N{index:04d}" in text_of(page.content) for index, page in enumerate(pages))


def test_an_unknown_template_is_the_vaults_own_fault(typesetter: Typesetter) -> None:
    with pytest.raises(IntegrityError, match="no template"):
        typesetter.typeset("../base", _business_licence(), at=AT)


def test_data_that_a_template_cannot_take_is_the_vaults_own_fault(typesetter: Typesetter) -> None:
    with pytest.raises(IntegrityError, match="licence-landscape") as broken:
        typesetter.typeset("licence-landscape", _business_licence(issued_on="张三"), at=AT)
    assert "张三" not in broken.value.detail
