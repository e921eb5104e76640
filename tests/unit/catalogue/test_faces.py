"""Face fields: bad ones are refused at their pointers, as the published schema says, without their values."""

import base64
import struct
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from vault.catalogue import Catalogue, check_face
from vault.catalogue.faces import KEY_SHOWN_MAX, PROBLEMS_MAX
from vault.errors import InputError
from vault.model.catalogue import CertificateType

Kinds = dict[str, CertificateType]


def _refusal(kind: CertificateType, **changed: object) -> dict[str, str]:
    """The problems of the example with some fields changed (`...` takes one out): pointer to sentence."""
    fields = {k: v for k, v in {**kind.example["fields"], **changed}.items() if v is not ...}
    with pytest.raises(InputError) as caught:
        check_face(kind, fields)
    return {problem.pointer: problem.detail for problem in caught.value.problems}


@pytest.mark.parametrize(
    ("name", "changed", "pointer", "detail"),
    [
        (
            "食品经营许可证",
            {"premises": ...},
            "/fields/premises",
            "expected 经营场所 (Place of business), got nothing",
        ),
        ("食品经营许可证", {"premises": None}, "/fields/premises", "expected text; got null"),
        ("食品经营许可证", {"premises": 7}, "/fields/premises", "expected text; got a whole number"),
        (
            "食品经营许可证",
            {"premises": ""},
            "/fields/premises",
            "expected at least 1 characters; got 0 characters",
        ),
        ("食品经营许可证", {"premises": " \u3000"}, "/fields/premises", "expected text, got only blanks"),
        (
            "食品经营许可证",
            {"premises": "长" * 121},
            "/fields/premises",
            "expected at most 120 characters; got 121 characters",
        ),
        ("食品经营许可证", {"items": []}, "/fields/items", "expected at least 1 entries; got 0"),
        ("食品经营许可证", {"items": "面"}, "/fields/items", "expected a list; got text"),
        ("食品经营许可证", {"items": ["面", 2]}, "/fields/items/1", "expected text; got a whole number"),
        (
            "出生医学证明",
            {"weight_g": 99},
            "/fields/weight_g",
            "expected a number of at least 200; got a smaller one",
        ),
        (
            "出生医学证明",
            {"weight_g": 10**400},
            "/fields/weight_g",
            "expected a number of at most 9000; got a larger one",
        ),
        (
            "出生医学证明",
            {"weight_g": True},
            "/fields/weight_g",
            "expected a whole number; got true or false",
        ),
        ("出生医学证明", {"weight_g": 3280.5}, "/fields/weight_g", "expected a whole number; got a number"),
        (
            "不动产权证书",
            {"land_area": float("nan")},
            "/fields/land_area",
            "expected a finite number, got none",
        ),
        ("不动产权证书", {"co_ownership": "其他"}, "/fields/co_ownership", "单独所有, 共同共有, 按份共有"),
        ("不动产权证书", {"unit_number": "1"}, "/fields/unit_number", "expected text like"),
        ("营业执照", {"established_on": "2009-13-12"}, "/fields/established_on", "a date as YYYY-MM-DD"),
        ("营业执照", {"established_on": "20090312"}, "/fields/established_on", "a date as YYYY-MM-DD"),
        ("营业执照", {"法定代表人": "x"}, "/fields/法定代表人", "got an unknown one"),
        ("营业执照", {"a/b~c": "x"}, "/fields/a~1b~0c", "got an unknown one"),
    ],
)
def test_a_bad_field_is_refused_at_its_pointer(
    kinds: Kinds, name: str, changed: dict[str, object], pointer: str, detail: str
) -> None:
    problems = _refusal(kinds[name], **changed)
    assert list(problems) == [pointer]
    assert detail in problems[pointer]


def test_every_bad_field_has_its_problem(kinds: Kinds) -> None:
    problems = _refusal(kinds["食品经营许可证"], premises=..., domicile=1, items=["", "x"], colour="red")
    assert set(problems) == {"/fields/premises", "/fields/domicile", "/fields/items/0", "/fields/colour"}


def test_sentences_do_not_hold_the_value(kinds: Kinds) -> None:
    secret = "欧阳秘密" * 100
    for name, key in (
        ("食品经营许可证", "premises"),
        ("不动产权证书", "co_ownership"),
        ("不动产权证书", "shares"),
    ):
        for value in (secret, [secret], {secret: secret}):
            with pytest.raises(InputError) as caught:
                check_face(kinds[name], {**kinds[name].example["fields"], key: value})
            assert "秘密" not in str(caught.value) + repr(caught.value.problems)


@pytest.mark.parametrize(
    "character",
    ["\x00", "\t", "\r", "\x7f", "\x85", "\u200b", "\u202e", "\u2066", "\ud800", "\ufeff", "\uffff"],
)
def test_what_no_page_can_show_is_refused(kinds: Kinds, character: str) -> None:
    problems = _refusal(kinds["食品经营许可证"], business_form=f"餐饮{character}服务")
    assert problems == {
        "/fields/business_form": "expected printable text, got control or invisible characters in it"
    }


def test_line_breaks_stand_only_in_fields_with_lines_of_their_own(kinds: Kinds) -> None:
    kind = kinds["食品经营许可证"]
    check_face(kind, {**kind.example["fields"], "premises": "一层\n二层"})
    assert list(_refusal(kind, business_form="餐饮\n服务")) == ["/fields/business_form"]


def test_rare_characters_are_taken(kinds: Kinds) -> None:
    kind = kinds["食品经营许可证"]
    check_face(kind, {**kind.example["fields"], "premises": "𬱖㛃䶮𫖯𬭛㼆\U00030edd"})


def test_a_flood_of_fields_is_answered_shortly(kinds: Kinds) -> None:
    problems = _refusal(kinds["食品经营许可证"], **{f"{'k' * 1000}{n}": n for n in range(PROBLEMS_MAX * 3)})
    assert len(problems) <= PROBLEMS_MAX
    assert all(len(pointer) <= len("/fields/") + KEY_SHOWN_MAX + 1 for pointer in problems)


def _jpeg(width: int, height: int) -> bytes:
    return (
        b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x0b\x08"
        + struct.pack(">HH", height, width)
        + b"\x01\x01\x11\x00"
    )


@pytest.mark.parametrize(
    ("photo", "words"),
    [
        ("not base64!", "expected base64"),
        (base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(40)).decode(), "expected a photo as image/jpeg"),
        (base64.b64encode(b"\xff\xd8").decode(), "expected a photo as image/jpeg"),
        (
            base64.b64encode(b"\xff\xd8\xff\xe0\xff\xff\x00\x00\x00\x00\x00").decode(),
            "expected a photo as image/jpeg",
        ),
        (base64.b64encode(_jpeg(65_535, 65_535)).decode(), "2000 pixels"),
        (base64.b64encode(_jpeg(0, 100)).decode(), "2000 pixels"),
        ("A" * 200_004, "at most 200000 characters"),
    ],
)
def test_what_is_no_photo_is_refused(kinds: Kinds, photo: str, words: str) -> None:
    problems = _refusal(kinds["结婚证"], photo=photo)
    assert words in problems["/fields/photo"]


def test_a_photo_of_a_sensible_size_is_taken(kinds: Kinds) -> None:
    kind = kinds["结婚证"]
    check_face(kind, {**kind.example["fields"], "photo": base64.b64encode(_jpeg(600, 400)).decode()})


# Values of every JSON type, inside and outside usual limits.
_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    1,
    -1,
    38.5,
    10**12,
    "",
    "x",
    "男",
    "2026-02-28",
    "2026-02-30",
    "长" * 5000,
)
_LISTS: tuple[Any, ...] = ([], ["x"], ["男", "女"], [1], [None], [["x"]], ["x"] * 300, {}, {"x": 1})


def test_it_agrees_with_the_published_schema(catalogue: Catalogue) -> None:
    """Another reader of `/v1/catalogue/types/{code}` must come to the same answer as the vault."""
    compared = {True: 0, False: 0}
    for kind in catalogue.types.values():
        outside = Draft202012Validator(kind.schema, format_checker=FormatChecker(formats=["date"]))
        for field in kind.face:
            if field.photo_media_type is not None:
                continue  # the schema only notes what a photo is; the vault looks
            for value in (*_VALUES, *_LISTS):
                fields = {**kind.example["fields"], field.key: value}
                theirs = outside.is_valid(fields)
                assert _taken(kind, fields) == theirs, (kind.name, field.key, value)
                compared[theirs] += 1
            without = {k: v for k, v in kind.example["fields"].items() if k != field.key}
            assert _taken(kind, without) == outside.is_valid(without) == (not field.required)
    assert min(compared.values()) > 500


def _taken(kind: CertificateType, fields: dict[str, Any]) -> bool:
    try:
        check_face(kind, fields)
    except InputError:
        return False
    return True
