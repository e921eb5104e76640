"""Paths of SM2 certificates: the one that holds, and one test for each thing that breaks one."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing import der, sm2
from signing.judge import chain
from signing.national.certificates import NationalCertificate, read_certificate
from signing.national.path import check_national_path
from signing.national.trust import NationalTrust
from tests.signing.national.workshop import (
    CA,
    LEAF,
    NOW,
    NationalWorkshop,
    Party,
    new_national_workshop,
    trusting,
    usage,
)
from tests.signing.workshop import Workshop
from vault.errors import SignatureError

SM2_WITH_SM3 = bytes.fromhex("06082a811ccf55018375")
ISSUES = usage("key_cert_sign", "crl_sign")
SIGNS = usage("digital_signature")


def test_the_development_chain_holds(national: NationalWorkshop) -> None:
    path = check_national_path(national.signer, national.key.chain, national.trust, at=NOW)
    assert [one.der for one in path] == [national.signer.der, national.issuing.der, national.root.der]
    shorter = check_national_path(national.signer, (), trusting(national.issuing), at=NOW)
    assert [one.der for one in shorter] == [national.signer.der, national.issuing.der]


@pytest.mark.parametrize("days", [-1, 2000])
def test_a_certificate_counts_while_it_is_valid(days: int, national: NationalWorkshop) -> None:
    with pytest.raises(SignatureError, match="valid from") as caught:
        check_national_path(
            national.signer, national.key.chain, national.trust, at=NOW + timedelta(days=days)
        )
    assert caught.value.reason == "OUT_OF_BOUNDS_NO_POE"


def test_another_root_with_the_same_name_is_not_the_root(national: NationalWorkshop) -> None:
    stranger = new_national_workshop()
    renamed = stranger.root
    assert renamed.subject == national.root.subject
    for trust in (trusting(renamed), trusting()):
        with pytest.raises(SignatureError) as caught:
            check_national_path(national.signer, national.key.chain, trust, at=NOW)
        assert caught.value.reason == "NO_CERTIFICATE_CHAIN_FOUND"


Chain = tuple[NationalCertificate, list[NationalCertificate], NationalCertificate]


def anchor(root: Party) -> NationalCertificate:
    return root.certifies(root, CA, ISSUES)


def _not_an_authority(root: Party, middle: Party, leaf: Party) -> Chain:
    return (
        middle.certifies(leaf, LEAF, SIGNS),
        [root.certifies(middle, LEAF, SIGNS)],
        root.certifies(root, CA, ISSUES),
    )


def _no_constraints(root: Party, middle: Party, leaf: Party) -> Chain:
    return (
        middle.certifies(leaf, LEAF, SIGNS),
        [root.certifies(middle, ISSUES)],
        root.certifies(root, CA, ISSUES),
    )


def _may_not_certify(root: Party, middle: Party, leaf: Party) -> Chain:
    above = root.certifies(middle, CA, usage("crl_sign"))
    return middle.certifies(leaf, LEAF, SIGNS), [above], anchor(root)


def _too_deep(root: Party, middle: Party, leaf: Party) -> Chain:
    shallow = root.certifies(root, x509.BasicConstraints(ca=True, path_length=0), ISSUES)
    return middle.certifies(leaf, LEAF, SIGNS), [root.certifies(middle, CA, ISSUES)], shallow


def _only_enciphers(root: Party, middle: Party, leaf: Party) -> Chain:
    enciphers = middle.certifies(leaf, LEAF, usage("key_encipherment", "data_encipherment", "key_agreement"))
    return enciphers, [root.certifies(middle, CA, ISSUES)], anchor(root)


def _serves_something_else(root: Party, middle: Party, leaf: Party) -> Chain:
    server = middle.certifies(leaf, LEAF, SIGNS, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]))
    return server, [root.certifies(middle, CA, ISSUES)], anchor(root)


@pytest.mark.parametrize(
    "broken",
    [
        _not_an_authority,
        _no_constraints,
        _may_not_certify,
        _too_deep,
        _only_enciphers,
        _serves_something_else,
    ],
)
def test_a_chain_that_says_it_may_not_breaks(broken: Callable[[Party, Party, Party], Chain]) -> None:
    leaf, pool, root = broken(Party("root"), Party("middle"), Party("leaf"))
    with pytest.raises(SignatureError) as caught:
        check_national_path(leaf, [one.der for one in pool], trusting(root), at=NOW)
    assert caught.value.reason == "CHAIN_CONSTRAINTS_FAILURE"


def test_a_critical_extension_that_is_not_understood_breaks() -> None:
    root, leaf = Party("root"), Party("leaf")
    constrained = x509.NameConstraints([x509.DirectoryName(leaf.name)], None)
    plain = root.certifies(leaf, LEAF, SIGNS, constrained)
    assert check_national_path(plain, (), trusting(anchor(root)), at=NOW)
    # The same, said to be critical: 55 1D 1E is nameConstraints
    name, value = bytes.fromhex("0603551d1e"), constrained.public_bytes()
    extension = name + bytes((4, len(value))) + value
    assert extension in plain.der
    critical = resigned(root, plain, extension, name + bytes.fromhex("0101ff") + extension[len(name) :])
    with pytest.raises(SignatureError, match=r"critical extension 2\.5\.29\.30"):
        check_national_path(critical, (), trusting(anchor(root)), at=NOW)


def test_a_changed_certificate_leads_nowhere(national: NationalWorkshop) -> None:
    for place in (national.signer.der.index("样例市".encode()), len(national.signer.der) - 1):
        changed = bytearray(national.signer.der)
        changed[place] ^= 1
        try:
            forged = read_certificate(bytes(changed))
        except SignatureError:
            continue
        with pytest.raises(SignatureError) as caught:
            check_national_path(forged, national.key.chain, national.trust, at=NOW)
        assert caught.value.reason == "NO_CERTIFICATE_CHAIN_FOUND"


def test_the_algorithm_must_be_the_same_inside_and_outside() -> None:
    root, leaf = Party("root"), Party("leaf")
    good = root.certifies(leaf, LEAF, SIGNS)
    inside_only = resigned(root, good, SM2_WITH_SM3, bytes.fromhex("06082a811ccf55018374"))
    with pytest.raises(SignatureError) as caught:
        check_national_path(inside_only, (), trusting(anchor(root)), at=NOW)
    assert caught.value.reason == "NO_CERTIFICATE_CHAIN_FOUND"


def test_a_cross_certified_authority_is_followed_to_the_root_that_is_trusted() -> None:
    ours, theirs, middle, leaf = Party("ours"), Party("theirs"), Party("middle"), Party("leaf")
    signer = middle.certifies(leaf, LEAF, SIGNS)
    by_them, by_us = theirs.certifies(middle, CA, ISSUES), ours.certifies(middle, CA, ISSUES)
    root = anchor(ours)
    their_root = anchor(theirs)
    path = check_national_path(signer, [by_them.der, their_root.der, by_us.der], trusting(root), at=NOW)
    assert [one.der for one in path] == [signer.der, by_us.der, root.der]


def test_a_circle_of_authorities_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other, leaf = Party("one"), Party("other"), Party("leaf")
    pool = [one.certifies(other, CA, ISSUES, at=NOW - timedelta(hours=n)).der for n in range(8)]
    pool += [other.certifies(one, CA, ISSUES, at=NOW - timedelta(hours=n)).der for n in range(8)]
    verified = 0
    real = chain._issued  # noqa: SLF001 - to count the work

    def counted(subject: x509.Certificate, issuer: x509.Certificate) -> bool:
        nonlocal verified
        verified += 1
        return real(subject, issuer)

    monkeypatch.setattr(chain, "_issued", counted)
    stranger = Party("stranger")
    with pytest.raises(SignatureError, match="none of the trusted roots"):
        check_national_path(one.certifies(leaf, LEAF, SIGNS), pool, trusting(anchor(stranger)), at=NOW)
    assert verified <= chain.ISSUERS_TRIED_MAX


def test_what_came_along_and_cannot_be_read_is_passed_over(
    national: NationalWorkshop, workshop: Workshop
) -> None:
    pool = [b"", b"rubbish", workshop.root, *national.key.chain]
    assert len(check_national_path(national.signer, pool, national.trust, at=NOW)) == 3
    with pytest.raises(SignatureError) as caught:  # a root that is none is the operator's mistake
        check_national_path(national.signer, pool, NationalTrust((workshop.root,)), at=NOW)
    assert caught.value.reason == "CRYPTO_CONSTRAINTS_FAILURE"


def resigned(issuer: Party, certificate: NationalCertificate, old: bytes, new: bytes) -> NationalCertificate:
    """The certificate with these octets changed where they are signed, and signed again."""
    changed = replaced(der.read(certificate.parsed.tbs_certificate_bytes), old, new)
    algorithm = der.sequence(SM2_WITH_SM3)
    return read_certificate(
        der.sequence(changed, algorithm, der.tlv(3, b"\0", sm2.sign(issuer.key, changed)))
    )


def replaced(element: der.Element, old: bytes, new: bytes) -> bytes:
    """The value with the first of these octets changed, and the lengths around them."""
    inside = [] if element.tag in {3, 4} else element.children()
    for place, child in enumerate(inside):
        if old in child.content:
            rest = inside[place + 1 :]
            parts = [
                *(c.encoded for c in inside[:place]),
                replaced(child, old, new),
                *(c.encoded for c in rest),
            ]
            return der.tlv(element.tag, *parts)
    return der.tlv(element.tag, element.content.replace(old, new, 1))
