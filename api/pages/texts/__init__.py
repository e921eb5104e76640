"""Everything that the pages say, in Chinese and in English."""

from collections.abc import Mapping
from enum import StrEnum

from api.pages.texts.checks import CHECKS
from api.pages.texts.console import CONSOLE
from api.pages.texts.desk import DESK
from api.pages.texts.frame import FRAME
from api.pages.texts.my import MY
from api.pages.texts.offline import OFFLINE
from api.pages.texts.report import REPORT
from api.pages.texts.signin import SIGNIN
from api.pages.texts.styleguide import STYLEGUIDE
from api.pages.texts.verify import VERIFY


class Language(StrEnum):
    """Languages of the pages; Chinese is what a caller gets who chose none."""

    ZH = "zh"
    EN = "en"


def text(key: str, language: Language, **values: object) -> str:
    """A text by its key, with `{placeholders}` filled in."""
    zh, en = TEXTS[key]
    return (zh if language is Language.ZH else en).format(**values)


TEXTS: Mapping[str, tuple[str, str]] = {
    **FRAME,
    **VERIFY,
    **OFFLINE,
    **REPORT,
    **CHECKS,
    **SIGNIN,
    **MY,
    **DESK,
    **CONSOLE,
    **STYLEGUIDE,
}
