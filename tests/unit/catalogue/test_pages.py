"""What a page shows: values as readers see them, texts filled in."""

import json
from dataclasses import replace

from tests.unit.catalogue.catalogue_copy import example_page
from vault.model.catalogue import CertificateType

Kinds = dict[str, CertificateType]


def _face(page: dict[str, object]) -> dict[str, object]:
    entries = page["face"]
    assert isinstance(entries, list)
    return {entry["key"]: entry["value"] for entry in entries}


def test_dates_amounts_and_lists_are_written_as_on_paper(kinds: Kinds) -> None:
    house = _face(example_page(kinds["不动产权证书"]))
    assert house["land_area"] == "18.64平方米"
    assert house["shares"] == "2/5、2/5、1/5"
    assert isinstance(house["other"], list)
    birth = _face(example_page(kinds["出生医学证明"]))
    assert birth["weight_g"] == "3280克"
    assert _face(example_page(kinds["营业执照"]))["established_on"] == "2009年3月12日"
    wedding = _face(example_page(kinds["结婚证"]))
    assert wedding["birth_dates"] == ["1900年1月1日", "1900年1月1日"]


def test_numbers_never_show_their_binary_form(kinds: Kinds) -> None:
    kind = kinds["不动产权证书"]
    fields = {**kind.example["fields"], "land_area": 0.1 + 0.2, "building_area": 1e6}
    face = _face(example_page(kind, fields))
    assert (face["land_area"], face["building_area"]) == ("0.3平方米", "1000000平方米")


def test_the_face_keeps_the_definition_s_order_and_leaves_out_what_is_not_given(kinds: Kinds) -> None:
    kind = kinds["不动产权证书"]
    fields = {k: v for k, v in reversed(kind.example["fields"].items()) if k != "remarks"}
    keys = list(_face(example_page(kind, fields)))
    assert keys == [f.key for f in kind.face if f.key in fields]


def test_the_head_of_the_page(kinds: Kinds) -> None:
    page = example_page(kinds["结婚证"])
    assert page["type_name"] == "结婚证"
    assert page["title_lines"] == ["结婚证"]
    assert page["copy"] == "正本"
    assert (page["valid_to"], page["validity"]) == (None, "长期")
    assert page["holders"][0] == {
        "name": "张𬱖",
        "code_type_name": "公民身份号码",
        "code": "110101190001010014",
    }
    limited = example_page(kinds["食品经营许可证"])
    assert (limited["issued_on"], limited["valid_to"]) == ("2026-10-26", "2031-10-25")
    assert limited["validity"] == "2026年10月26日至2031年10月25日"
    assert example_page(kinds["营业执照"])["copy"] == "副本"


def test_a_photo_is_a_data_uri_and_stands_nowhere_else(kinds: Kinds) -> None:
    page = example_page(kinds["结婚证"])
    assert page["photo"].startswith("data:image/jpeg;base64,/9j/")
    rest = json.dumps({key: value for key, value in page.items() if key != "photo"})
    assert "/9j/" not in rest


def test_a_letter_s_text_is_filled_and_not_repeated_below(kinds: Kinds) -> None:
    page = example_page(kinds["企业投资项目核准批复"])
    assert page["layout"]["subject"] == "关于样例市第二水厂扩建工程核准的批复"
    assert page["layout"]["addressee"] == "样例水务集团有限公司："
    assert page["layout"]["heading"] == "样例市发展和改革委员会文件"
    assert "至2028年10月25日止" in page["layout"]["body"][-1]
    assert set(_face(page)) == {"bidding", "annexes"}


def test_a_paragraph_about_a_field_not_given_is_left_out(kinds: Kinds) -> None:
    kind = kinds["食品经营许可证"]
    texts = {
        "body": ["投诉：{supervision_phone}", "地址：{premises}"],
        "statement": "甲{supervision_phone}\n乙",
    }
    fields = {k: v for k, v in kind.example["fields"].items() if k != "supervision_phone"}
    page = example_page(replace(kind, layout=texts), fields)
    assert page["layout"] == {"body": ["地址：样例市湖滨区文昌路118号1幢1至2层"], "statement": "乙"}


def test_braces_in_a_value_are_only_text(kinds: Kinds) -> None:
    kind = kinds["企业投资项目核准批复"]
    fields = {**kind.example["fields"], "project_name": "{number}工程{holder.__class__}"}
    assert example_page(kind, fields)["layout"]["subject"] == "关于{number}工程{holder.__class__}核准的批复"
