"""The statement in a QR: as text, as the COSE_Sign1 that is inflated from it, and as its claims.

The first byte chooses how deep the rest goes in: a fuzzer does not find its way through base45 and deflate.
"""

import zlib
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from signing import base45, cbor
from signing.cose import read_sign1, sign1
from signing.offline import judge_offline, states
from signing.statement import read_statement, write_statement
from signing.trust_list import read_trust_list, write_trust_list
from tests.signing.statements import LONGEST, STATEMENT, listed, log_key, statement_key, trust, url_of
from vault.errors import InputError, SignatureError
from vault.model.origin import OriginKind

KEY, LOG = statement_key(), log_key()
TRUST = trust(listed(KEY))
NOW = datetime(2026, 11, 24, tzinfo=UTC)
_STATED = (
    STATEMENT,
    LONGEST,
    replace(STATEMENT, valid_to=None),
    *(replace(STATEMENT, origin=kind) for kind in OriginKind if kind is not OriginKind.BORN_SEALED),
)
_OURS = tuple(write_statement(each, KEY) for each in _STATED)
_SIGNED = tuple(zlib.decompress(base45.decode(text), -15) for text in _OURS)

SEEDS = (
    *(b"\0" + text.encode() for text in _OURS),
    b"\0" + url_of(STATEMENT, KEY).encode(),
    *(b"\1" + signed for signed in _SIGNED),
    *(b"\2" + read_sign1(signed).payload for signed in _SIGNED),
    b"\3" + write_trust_list(TRUST, LOG),
    b"\4" + STATEMENT.document.prefix + b"%PDF-1.7\n%%EOF\n",
)


def one(data: bytes) -> None:
    """Anything is refused as input, or says what it says in the one way that we write it."""
    kind, rest = data[:1], data[1:]
    if kind == b"\0":
        _text(rest.decode(errors="replace"))
    elif kind == b"\1":
        _text(_packed(rest))
        with suppress(InputError):
            assert cbor.encode(cbor.decode(rest)) == rest
    elif kind == b"\2":
        with suppress(InputError):
            text = _packed(sign1(KEY, rest))
            assert write_statement(read_statement(text).statement, KEY) == text
    elif kind == b"\3":
        with suppress(InputError, SignatureError):
            assert read_trust_list(rest, log_key=LOG.public) == TRUST
    else:
        states(STATEMENT.document, rest)


def _text(text: str) -> None:
    judge_offline(text, TRUST, at=NOW)
    with suppress(InputError, SignatureError):
        signed = read_statement(text)
        signed.check(KEY.public)
        assert write_statement(signed.statement, KEY) in _OURS  # nobody but us has signed anything


def _packed(signed: bytes) -> str:
    deflate = zlib.compressobj(9, wbits=-15)
    return base45.encode(deflate.compress(signed) + deflate.flush())
