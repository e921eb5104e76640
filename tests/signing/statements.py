"""Statements of nobody's certificate, keys and trust lists for the tests."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from signing.log_key import LogKey, new_log_key, read_log_key
from signing.statement import in_fragment, write_statement
from signing.statement_key import StatementKey, new_statement_key, read_statement_key
from signing.trust_list import ListedKey, TrustList
from vault.model.certificate import Status
from vault.model.identifier import CertificateIdentifier
from vault.model.statement import DIGEST_PREFIX_BYTES, Covers, DocumentMark, Statement

AS_OF = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
VAULT = "https://vault.example"
PASSPHRASE = b"nothing is kept in this"
IDENTIFIER = str(
    CertificateIdentifier("11990000MB98000126013", "11990100MB99000131", "0A1B2C3D4E5F6G7H8I9J", 1)
)
STATEMENT = Statement(
    identifier=IDENTIFIER,
    type_name="食品经营许可证",
    authority_name="样例市市场监督管理局",
    holder="样例****公司",
    holders=1,
    issued_on=date(2026, 11, 23),
    valid_from=date(2026, 11, 23),
    valid_to=date(2031, 11, 22),
    status=Status.VALID,
    as_of=AS_OF,
    document=DocumentMark(Covers.UNSEALED, bytes(range(DIGEST_PREFIX_BYTES))),
)
LONGEST = replace(
    STATEMENT,
    type_name="不动产登记信息查询结果专用证",
    authority_name="样例市人力资源和社会保障",
    holder="樣例樣例樣例樣",
    holders=10_000,
)


def statement_key() -> StatementKey:
    """A fresh key."""
    return read_statement_key(new_statement_key(PASSPHRASE), PASSPHRASE)


def log_key() -> LogKey:
    """A fresh key of a log."""
    return read_log_key(new_log_key())


def listed(
    key: StatementKey,
    *,
    signs_from: datetime = AS_OF - timedelta(days=1),
    signs_until: datetime | None = None,
    revoked_at: datetime | None = None,
) -> ListedKey:
    """The key as a trust list has it."""
    return ListedKey(key.public, signs_from, signs_until, revoked_at)


def trust(*keys: ListedKey, made_at: datetime = AS_OF) -> TrustList:
    """A trust list of the vault."""
    return TrustList(VAULT, made_at, keys)


def url_of(statement: Statement, key: StatementKey) -> str:
    """What the QR of a certificate holds."""
    return f"{VAULT}/v#t=Qk3xZ0s8b2Yt4uW6aA9dF7&s={in_fragment(write_statement(statement, key))}"
