"""Portable evidence of a certificate, packed: what was sealed, what is said of it, and what proves both."""

import hashlib
import json
import ssl
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from signing.log_note import verifier_key
from vault.log import moment
from vault.model.evidence import (
    DOCUMENT,
    LOG_KEY,
    PROOF,
    README,
    REPORT,
    ROOTS,
    STATEMENT_KEYS,
    pack_evidence,
)
from vault.stating import trust_list
from vault.transparency import serving
from vault.workshop import Workshop

_README = """\
证照证据包 Evidence of a sealed certificate

document.pdf               the sealed file 加盖印章的文件, SHA-256 {sha256}
report.json                what the vault said of it on {at} 出具时的查验结果: signed by nobody 未签名
log.tlog-proof             the proof that this file is in the public log 公开日志的收录证明 (C2SP tlog-proof)
trust/roots.pem            roots that its seal leads to 印章证书的根
trust/log.vkey             the key that signs the log 日志的公钥
trust/statement-keys.note  keys that sign what QR codes state 二维码声明的公钥, signed by the log's key

certvault verify evidence.zip --trust roots.pem --log-key log.vkey

checks it without the vault. Take roots.pem and log.vkey from somebody you trust, over another way than
this file: those in trust/ prove only that the parts belong together. Nothing proves report.json and this
text: believe what the command says of document.pdf.
请从可信的渠道另行取得 roots.pem 和 log.vkey；包内自带的只能证明各部分彼此一致。
report.json 和本说明没有任何证明，以命令对 document.pdf 的核验结果为准。
"""


def make_evidence(
    workshop: Workshop,
    certificate_id: UUID,
    document: bytes,
    leaf_hash: bytes | None,
    report: Mapping[str, Any],
    *,
    at: datetime,
) -> bytes:
    """The zip for a sealed file that its caller may have.

    `leaf_hash`: of the log's leaf that names the file; None: of the certificate's issue. `report`: what the
    vault says of it now, for people to read: nobody signs it.

    Raises:
        NotFound: the log has not published its leaf yet; the promise in its receipt says by when it will.
        IntegrityError: the log's tree in the database is damaged.
        Unavailable: the database does not answer.
    """
    origin, proof = serving.proof(workshop, certificate_id, leaf_hash)
    roots = "".join(ssl.DER_cert_to_PEM_cert(root) for root in workshop.trust_roots)
    sha256 = hashlib.sha256(document).hexdigest()
    parts = {
        README: _README.format(sha256=sha256, at=moment(at)).encode(),
        DOCUMENT: document,
        REPORT: json.dumps(report, ensure_ascii=False, indent=2).encode(),
        PROOF: proof,
        ROOTS: roots.encode(),
        LOG_KEY: f"{verifier_key(workshop.log_key, origin)}\n".encode(),
        STATEMENT_KEYS: trust_list(workshop, at=at),
    }
    return pack_evidence(parts, at)
