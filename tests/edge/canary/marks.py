"""Canaries: texts that nobody else writes, each of the form that its kind must have, and told apart by it."""

import secrets
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from itertools import count
from random import SystemRandom

from tests.generators import CREDIT_CODE_CHARACTERS, make_citizen_id, make_credit_code

# GB 2312, level 1: the characters of everyday names, which every font and every old code page has.
_EVERYDAY = [bytes((row, cell)).decode("gb2312") for row in range(0xB0, 0xD7) for cell in range(0xA1, 0xFF)]
HAN_CHARS, LATIN_CHARS = 4, 10
SEQUENCES = 1000
# A hash of what can be guessed is as good as the thing itself: looked for, too, for so many of a kind.
DIGESTED_MAX = 60


class Kind(StrEnum):
    """What a marked text is. The first part is made here, the second is handed out by the vault."""

    NAME = "name"
    ID_NUMBER = "ID number"
    CREDIT_CODE = "credit code"
    CERTIFICATE_NUMBER = "certificate number"
    FACE = "face field"
    PURPOSE = "purpose"
    CLERK = "clerk"
    FILE_NAME = "file name"
    FILE_CONTENT = "file content"
    WEBHOOK = "webhook address"
    SECRET = "secret"  # noqa: S105 - made-up tokens, codes, passwords and cookies
    STRAY = "stray text"
    CASE_NUMBER = "case number"
    REASON = "public reason"

    VERIFICATION_CODE = "verification code"
    QR_TOKEN = "QR token"  # noqa: S105 - a kind of text
    USE_CODE = "use code"
    PRESENTATION_CODE = "presentation code"
    CLIENT_SECRET = "client secret"  # noqa: S105 - a kind of text
    BEARER = "bearer token"
    ASSERTION = "client assertion"
    SESSION = "session cookie"
    ATTEMPT = "sign-in cookie"
    OIDC_CODE = "OIDC code"
    OIDC_STATE = "OIDC state"
    PASSWORD = "password"  # noqa: S105 - a kind of text
    WEBHOOK_SECRET = "webhook secret"  # noqa: S105 - a kind of text


# In clear in the database, and in answers to those who may ask: docs/personal-data.md and decision 10.
IN_CLEAR_BY_DECISION = frozenset({Kind.CASE_NUMBER, Kind.REASON})
GUESSABLE = frozenset({Kind.NAME, Kind.ID_NUMBER, Kind.CREDIT_CODE, Kind.VERIFICATION_CODE})
MADE_HERE = tuple(Kind)[: tuple(Kind).index(Kind.VERIFICATION_CODE)]
_IN_HAN = frozenset({Kind.NAME, Kind.FACE, Kind.PURPOSE, Kind.CLERK, Kind.REASON})


@dataclass(slots=True)
class Marks:
    """Every canary of a run.

    Texts of one kind share a core that is looked for, so that thousands of texts cost one search; behind it
    stands a number that says which text it was. What the vault hands out is looked for as it is.
    """

    cores: dict[Kind, str] = field(init=False)
    given: dict[str, Kind] = field(default_factory=dict)
    digested: dict[Kind, list[str]] = field(default_factory=lambda: defaultdict(list))
    _counts: dict[Kind, Iterator[int]] = field(default_factory=lambda: defaultdict(count))
    _born: date = field(init=False)
    _area: str = field(init=False)
    _body: str = field(init=False)

    def __post_init__(self) -> None:
        """Draws the cores."""
        random = SystemRandom()
        self._area = f"11{secrets.randbelow(10_000):04d}"
        self._born = date(1880, 1, 1) + timedelta(days=secrets.randbelow(30 * 365))
        self._body = "MA" + "".join(secrets.choice(CREDIT_CODE_CHARACTERS) for _ in range(4))
        self.cores = {
            Kind.ID_NUMBER: f"{self._area}{self._born:%Y%m%d}",
            Kind.CREDIT_CODE: f"91990100{self._body}",
        }
        for kind in MADE_HERE:
            if kind in _IN_HAN:
                self.cores[kind] = "".join(random.sample(_EVERYDAY, HAN_CHARS))
            elif kind not in self.cores:
                self.cores[kind] = "".join(secrets.choice("bcdfghjkmnpqrtvwxz") for _ in range(LATIN_CHARS))

    def new(self, kind: Kind) -> str:
        """A text of this kind that was not there before (of ID numbers and credit codes there are 960)."""
        number = next(self._counts[kind])
        match kind:
            case Kind.ID_NUMBER:
                text = make_citizen_id(self._area, self._born, number % SEQUENCES)
            case Kind.CREDIT_CODE:
                high, low = divmod(number % len(CREDIT_CODE_CHARACTERS) ** 2, len(CREDIT_CODE_CHARACTERS))
                text = make_credit_code(
                    body=self._body + CREDIT_CODE_CHARACTERS[high] + CREDIT_CODE_CHARACTERS[low],
                    prefix="91990100",
                )
            case _:
                text = f"{self.cores[kind]}{number:04d}"
        self._digest(kind, text)
        return text

    def adopt(self, kind: Kind, text: str) -> str:
        """A text that the vault or a provider handed out: from now on it is looked for."""
        self.given[text] = kind
        self._digest(kind, text)
        return text

    def _digest(self, kind: Kind, text: str) -> None:
        if kind in GUESSABLE and len(self.digested[kind]) < DIGESTED_MAX:
            self.digested[kind].append(text)
