"""The cluster's own certificate authority, and the certificates of its machines.

Keys are P-256: small enough that certificate and key fit a parameter of 4 KB together. A
certificate and its key are one text, so that no reader ever sees a pair that does not match.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from toolkit.errors import RefusedError
from toolkit.spec.target import Secret

AUTHORITY_DAYS = 3650
LEAF_DAYS = 365
DUE = 1 / 3
"""The share of its life that a certificate has left when it is due: at 365 days four months."""
_EARLIER = timedelta(hours=1)
"""A certificate is valid a little before it is made: clocks differ."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs: certificate and key, each as PEM."""

    certificate: str
    key: Secret = field(repr=False)


@dataclass(frozen=True, slots=True)
class Leaf:
    """What a certificate is for."""

    names: tuple[str, ...]
    """DNS names; the first is also its common name."""
    addresses: tuple[str, ...] = ("127.0.0.1",)


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    """DNS names and addresses, in its order."""
    begins: datetime
    ends: datetime
    serial: int
    is_authority: bool

    def left(self, now: datetime) -> timedelta:
        """How long it is still valid; negative when it has ended."""
        return self.ends - now

    def is_due(self, now: datetime) -> bool:
        """Whether it is time for the next one."""
        return self.left(now) < (self.ends - self.begins) * DUE


def make_key() -> Secret:
    """A new private key as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Secret(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()
    )


def make_authority(
    name: str, key: Secret, now: datetime, *, days: int = AUTHORITY_DAYS
) -> Authority:
    """An authority of that common name with a key that is there already; signs leaves only."""
    own = _read_key(key)
    subject = _name(name)
    identifier = x509.SubjectKeyIdentifier.from_public_key(own.public_key())
    made = (
        _begun(subject, subject, own.public_key(), now, days)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(identifier, critical=False)
        .sign(own, hashes.SHA256())
    )
    return Authority(_pem(made), key)


def issue(authority: Authority, leaf: Leaf, now: datetime, *, days: int = LEAF_DAYS) -> Secret:
    """A certificate and its new key as one PEM text, for both ends of a connection.

    It never outlives the authority. RefusedError when that has ended.
    """
    signer = _load(authority.certificate)
    left = signer.not_valid_after_utc - now
    if left <= timedelta(0):
        raise RefusedError(
            f"the authority {signer.subject.rfc4514_string()} ended on"
            f" {signer.not_valid_after_utc:%Y-%m-%d}",
            hint="make a new one, and let machines trust both for a while",
        )
    own = _read_key(authority.key)
    if own.public_key() != signer.public_key():
        raise RefusedError(
            "the authority's certificate and its key do not belong together",
            hint="it is being replaced by another right now: finish that first",
        )
    secret = make_key()
    key = _read_key(secret)
    others = [x509.DNSName(name) for name in leaf.names]
    numbers = [x509.IPAddress(ip_address(address)) for address in leaf.addresses]
    both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    signed_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(_public(signer))
    whole = min(timedelta(days=days), left)
    made = (
        _begun(_name(leaf.names[0]), signer.subject, key.public_key(), now, whole.days, whole)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.SubjectAlternativeName([*others, *numbers]), critical=False)
        .add_extension(x509.ExtendedKeyUsage(both), critical=False)
        .add_extension(signed_by, critical=False)
        .sign(own, hashes.SHA256())
    )
    return Secret(_pem(made) + secret.reveal())


def facts(pem: str) -> tuple[CertificateFacts, ...]:
    """What the certificates of a text say, in its order; keys in it are left out.

    RefusedError when there is none, or one that cannot be read.
    """
    return tuple(_facts(each) for each in _load_all(pem))


def bundle(*texts: str) -> str:
    """The certificates of all texts, each once, in order: whom to trust meanwhile."""
    found = {_pem(each): None for text in texts for each in _load_all(text)}
    return "".join(found)


def is_signed_by(trusted: str, pem: str, now: datetime) -> bool:
    """Whether the first certificate of `pem` is valid now and signed by one of those trusted."""
    leaf = _load_all(pem)[0]
    if not leaf.not_valid_before_utc <= now < leaf.not_valid_after_utc:
        return False
    for authority in _load_all(trusted):
        if not authority.not_valid_before_utc <= now < authority.not_valid_after_utc:
            continue
        try:
            leaf.verify_directly_issued_by(authority)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return True
    return False


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    days: int,
    whole: timedelta | None = None,
) -> x509.CertificateBuilder:
    now = now.astimezone(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + (whole or timedelta(days=days)))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _facts(certificate: x509.Certificate) -> CertificateFacts:
    extensions = certificate.extensions
    names: Iterable[object] = ()
    authority = False
    for each in extensions:
        if isinstance(each.value, x509.SubjectAlternativeName):
            names = [general.value for general in each.value]
        elif isinstance(each.value, x509.BasicConstraints):
            authority = each.value.ca
    return CertificateFacts(
        subject=certificate.subject.rfc4514_string(),
        issuer=certificate.issuer.rfc4514_string(),
        names=tuple(str(name) for name in names),
        begins=certificate.not_valid_before_utc,
        ends=certificate.not_valid_after_utc,
        serial=certificate.serial_number,
        is_authority=authority,
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _load(pem: str) -> x509.Certificate:
    return _load_all(pem)[0]


def _load_all(pem: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        # Nothing of the text: it may be a key.
        raise RefusedError(
            "a certificate of the cluster cannot be read",
            hint="what is kept under its name is no certificate in PEM form",
        ) from None


def _public(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise RefusedError("the cluster's authority has no P-256 key", hint="it was not made here")
    return key


def _read_key(secret: Secret) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(secret.reveal().encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise RefusedError(
            "the key of the cluster's authority cannot be read",
            hint="what is kept under its name is no P-256 key in PEM form",
        )
    return key
