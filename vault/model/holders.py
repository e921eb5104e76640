"""Who holds a certificate: code types (GB/T 36903 annex A), codes that cannot be bad, and names."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import Enum, auto
from types import MappingProxyType
from typing import Self

from vault.errors import FieldProblem, InputError
from vault.model.catalogue import HolderKind
from vault.model.citizen_id import PERMANENT_RESIDENT_PREFIX, CitizenId
from vault.model.credit_code import SocialCreditCode
from vault.model.transcription import mask_code, written_form

CODE_LENGTH_MAX = 32  # characters of a code without a checked form; passports and cards stay under 20
NAME_LENGTH_MAX = 200  # characters (code points) of a holder's name; registered company names stay under 100


class CodeForm(Enum):
    """How a code of a type is judged."""

    SOCIAL_CREDIT = auto()  # GB 32100, both check characters
    CITIZEN = auto()  # GB 11643, with its check character
    FREE = auto()  # no check known: letters, digits and hyphens


@dataclass(frozen=True, slots=True)
class HolderCodeType:
    """One row of the list. `prefixes`: what a code of this type begins with, empty where anything goes."""

    code: str
    zh: str
    en: str
    kind: HolderKind
    form: CodeForm = CodeForm.FREE
    prefixes: tuple[str, ...] = ()


_PERSON, _ORGANISATION = HolderKind.PERSON, HolderKind.ORGANISATION

# The sixteen of GB/T 36903 annex A as three implementers give them, and 551 to 553 of GA/T 517. Residence
# permits and permanent resident cards also come under 111, from systems that know only the annex.
_LIST = (
    HolderCodeType(
        "001", "统一社会信用代码", "Unified social credit code", _ORGANISATION, CodeForm.SOCIAL_CREDIT
    ),
    HolderCodeType(
        "099", "其他法人或其他组织有效证件代码", "Other document of an organisation", _ORGANISATION
    ),
    HolderCodeType("111", "公民身份号码", "Citizen identity number", _PERSON, CodeForm.CITIZEN),
    HolderCodeType("114", "中国人民解放军军官证", "Officer's card, People's Liberation Army", _PERSON),
    HolderCodeType("115", "中国人民武装警察部队警官证", "Officer's card, People's Armed Police", _PERSON),
    HolderCodeType("118", "解放军士兵证", "Soldier's card, People's Liberation Army", _PERSON),
    HolderCodeType("119", "武警士兵证", "Soldier's card, People's Armed Police", _PERSON),
    HolderCodeType("120", "解放军文职人员证", "Civilian staff card, People's Liberation Army", _PERSON),
    HolderCodeType("122", "武警文职人员证", "Civilian staff card, People's Armed Police", _PERSON),
    HolderCodeType("411", "外交护照", "Diplomatic passport", _PERSON),
    HolderCodeType("412", "公务护照", "Service passport", _PERSON),
    HolderCodeType("413", "公务普通护照", "Passport for public affairs", _PERSON),
    HolderCodeType("414", "普通护照", "Ordinary passport", _PERSON),
    HolderCodeType("511", "台湾居民来往大陆通行证", "Mainland travel permit, Taiwan residents", _PERSON),
    HolderCodeType(
        "516", "港澳居民来往内地通行证", "Mainland travel permit, Hong Kong and Macao residents", _PERSON
    ),
    HolderCodeType(
        "551",
        "港澳居民居住证",
        "Residence permit, Hong Kong and Macao residents",
        _PERSON,
        CodeForm.CITIZEN,
        ("81", "82"),
    ),
    HolderCodeType(
        "552", "台湾居民居住证", "Residence permit, Taiwan residents", _PERSON, CodeForm.CITIZEN, ("83",)
    ),
    HolderCodeType(
        "553",
        "外国人永久居留身份证",
        "Permanent resident card of a foreigner",
        _PERSON,
        CodeForm.CITIZEN,
        (PERMANENT_RESIDENT_PREFIX,),
    ),
    HolderCodeType("999", "其他自然人有效证件代码", "Other document of a person", _PERSON),
)
HOLDER_CODE_TYPES: Mapping[str, HolderCodeType] = MappingProxyType({row.code: row for row in _LIST})

# Chinese characters are letters here: 军官证 numbers are written 某字第…号.
_FREE_CODE = re.compile(rf"[0-9A-Z\u3400-\u9fff\U00020000-\U0003fffd-]{{1,{CODE_LENGTH_MAX}}}")
_CITIZEN = "111"
_CITIZEN_FORMS = frozenset({"551", "552", "553"})
# Joiners that some scripts need inside words; every other invisible character is refused in names.
_JOINERS_IN_NAMES = "\u200c\u200d\u180e"
_NAME_SEPARATORS = " ·•-'.,，()（）"
# An organisation's masked name shows so many characters at either end, the same stars at any length.
_ORGANISATION_SHOWN = 2
_ORGANISATION_STARS = "****"


@dataclass(frozen=True, slots=True)
class HolderCode:
    """A holder's code of a known type, valid and in its written form. Neither `repr` nor `str` shows it.

    Raises `InputError` at `/code_type` or `/code`.
    """

    code_type: str
    value: str = field(repr=False)

    def __post_init__(self) -> None:
        if _written_code(self.code_type, self.value, today=None) != self.value:
            raise InputError.at("/code", "the holder's code is not in its written form: read it with parse")

    @classmethod
    def parse(cls, code_type: str, code: str, *, today: date | None = None) -> Self:
        """A code as people write it; `today` refuses birth dates in the future. Raises `InputError`."""
        return cls(code_type, _written_code(code_type, code, today=today))

    @property
    def identity(self) -> tuple[str, str]:
        """Whose code it is, whatever type it was filed under: equal for one holder, and only then.

        Residence permits and permanent-resident cards bear citizen-form numbers, and systems file them under
        111 as well as under their own types: one person must not become two holders by that.
        """
        return (_CITIZEN if self.code_type in _CITIZEN_FORMS else self.code_type, self.value)

    @property
    def kind(self) -> HolderKind:
        """Whether codes of this type belong to people or to organisations."""
        return HOLDER_CODE_TYPES[self.code_type].kind

    def masked(self) -> str:
        """The code for showing to others: social credit codes are public and stay, of others little does."""
        if HOLDER_CODE_TYPES[self.code_type].form is CodeForm.SOCIAL_CREDIT:
            return self.value
        return mask_code(self.value)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a certificate (持证主体): code and name. Raises `InputError` at `/name`."""

    code: HolderCode
    name: str = field(repr=False)

    def __post_init__(self) -> None:
        if _written_name(self.name) != self.name:
            raise InputError.at("/name", "the holder's name is not in its written form: read it with parse")

    @classmethod
    def parse(cls, code_type: str, code: str, name: str, *, today: date | None = None) -> Self:
        """A holder as a request gives it. Raises one `InputError` for `/code_type` or `/code` and `/name`."""
        problems: list[FieldProblem] = []
        holder_code, written_name = None, None
        try:
            holder_code = HolderCode.parse(code_type, code, today=today)
        except InputError as error:
            problems.extend(error.problems)
        try:
            written_name = _written_name(name)
        except InputError as error:
            problems.extend(error.problems)
        if holder_code is None or written_name is None:
            raise InputError(problems[0].detail, *problems)
        return cls(holder_code, written_name)


def mask_name(name: str, kind: HolderKind = HolderKind.PERSON) -> str:
    """张三丰 as 张**, John Smith as J*** *****; an organisation as 样例****公司.

    Without a `kind` the name is taken for a person's, which shows less. A name of one character shows
    nothing, an organisation's of four or fewer is masked like a person's.
    """
    if kind is HolderKind.ORGANISATION and len(name) > 2 * _ORGANISATION_SHOWN:
        return name[:_ORGANISATION_SHOWN] + _ORGANISATION_STARS + name[-_ORGANISATION_SHOWN:]
    first = name[:1] if len(name) > 1 else "*"
    return first + "".join(c if c in _NAME_SEPARATORS else "*" for c in name[1:])


def _written_code(code_type: str, code: str, *, today: date | None) -> str:
    row = HOLDER_CODE_TYPES.get(code_type)
    if row is None:
        known = ", ".join(HOLDER_CODE_TYPES)
        # What came is not quoted: whoever swaps two fields sends an ID number here.
        raise InputError.at("/code_type", f"unknown type of holder code: expected one of {known}")
    try:
        return _judged(row, code, today)
    except InputError as error:
        raise error.under("/code") from None


def _judged(row: HolderCodeType, code: str, today: date | None) -> str:
    match row.form:
        case CodeForm.SOCIAL_CREDIT:
            value = SocialCreditCode.parse(code).value
        case CodeForm.CITIZEN:
            value = CitizenId.parse(code, today=today).value
        case CodeForm.FREE:
            value = _free_code(code)
    if row.prefixes and not value.startswith(row.prefixes):
        raise InputError.at("", f"a code of type {row.code} begins with {' or '.join(row.prefixes)}")
    return value


def _free_code(code: str) -> str:
    # Twice: compatibility forms may become small letters, blanks or disguised letters only through NFKC.
    value = written_form(unicodedata.normalize("NFKC", written_form(code)))
    if not _FREE_CODE.fullmatch(value):
        raise InputError.at(
            "",
            f"holder's code: expected 1 to {CODE_LENGTH_MAX} letters, digits and hyphens",
        )
    return value


def _written_name(name: str) -> str:
    """NFC without blanks around it. Raises `InputError` at `/name`."""
    if len(name) > NAME_LENGTH_MAX * 2:  # room for decomposed characters and blanks, before any work is done
        raise InputError.at("/name", f"the name is too long: expected at most {NAME_LENGTH_MAX} characters")
    text = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(text) <= NAME_LENGTH_MAX:
        raise InputError.at("/name", f"expected a name of 1 to {NAME_LENGTH_MAX} characters, got {len(text)}")
    for character in text:
        category = unicodedata.category(character)
        hidden = category == "Cf" and character not in _JOINERS_IN_NAMES
        # Control characters, half surrogates, line ends, and the overrides that make a name read backwards.
        if hidden or category in {"Cc", "Cs", "Zl", "Zp"}:
            raise InputError.at(
                "/name",
                f"the name holds an invisible character (U+{ord(character):04X}): take it out",
            )
    return text
