"""Certificates: one per party and role, signed by itself, known to others by its fingerprint.

There is no authority: a certificate is accepted because it was pinned (ppc.runtime.keyring). Makes and reads them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ppc.errors import PpcError, fail

ROLES = ("client", "server", "dealer", "participant", "aggregator")
DAYS = 365
SLACK = timedelta(minutes=5)  # how far apart the clocks of two machines may be
LONGEST_NAME = 64  # of a subject, by RFC 5280
LARGEST = 16_384  # bytes of a certificate's file; ours have about 800
_Found = TypeVar("_Found")
_STRICT = Lock()  # filters of warnings belong to the whole process


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Whose it is, for what role, and when it is good."""

    pem: str
    fingerprint: str
    party: str
    role: str
    begins: datetime
    ends: datetime

    def __str__(self) -> str:
        return f"{self.role} `{self.party}`"

    def good(self, moment: datetime | None = None) -> bool:
        return self.begins <= (moment or datetime.now(UTC)) <= self.ends

    def days_left(self) -> int:
        return (self.ends - datetime.now(UTC)).days


def make(party: str, role: str, *, days: float = DAYS, begins: datetime | None = None) -> tuple[bytes, bytes]:
    """A new certificate and its key, both as PEM."""
    _checked_names(party, role)
    key = ec.generate_private_key(ec.SECP256R1())
    start = (begins or datetime.now(UTC)) - SLACK
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, party), x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, role)]
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + SLACK + timedelta(days=days))
    )
    made = _limited(builder, key.public_key()).sign(key, SHA256())
    return made.public_bytes(Encoding.PEM), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _limited(builder: x509.CertificateBuilder, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    """For the two ends of a connection, and to sign nothing else."""
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    ends = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(ends, critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _checked_names(party: str, role: str) -> None:
    if role not in ROLES:
        raise fail(
            "PPC665",
            f"There is no role `{role}`.",
            hint=f"Roles are {', '.join(ROLES)}.",
        )
    if not 1 <= len(party) <= LONGEST_NAME or not party.isprintable():
        raise fail(
            "PPC660", "A party's name has 1 to 64 printable characters.", hint="Take the name that the program has."
        )


def read(data: bytes, what: str) -> Certificate:
    """A certificate as its file has it; exactly one, and nothing that is only nearly one."""
    if len(data) > LARGEST or data.count(b"-----BEGIN ") != 1:
        raise damaged(what)
    made = _understood(lambda: x509.load_pem_x509_certificate(data), what)
    names = {which: _understood(lambda which=which: _subject(made, which), what) for which in ("party", "role")}
    if names["role"] not in ROLES:
        raise damaged(what)
    return Certificate(
        pem=made.public_bytes(Encoding.PEM).decode(),
        fingerprint=made.fingerprint(SHA256()).hex(),
        party=names["party"],
        role=names["role"],
        begins=made.not_valid_before_utc,
        ends=made.not_valid_after_utc,
    )


def _subject(made: x509.Certificate, which: str) -> str:
    oid = {"party": NameOID.COMMON_NAME, "role": NameOID.ORGANIZATIONAL_UNIT_NAME}[which]
    (attribute,) = made.subject.get_attributes_for_oid(oid)
    value = attribute.value
    if not isinstance(value, str) or not value.isprintable() or not 1 <= len(value) <= LONGEST_NAME:
        raise ValueError(which)
    return value


def _understood(read_it: Callable[[], _Found], what: str) -> _Found:
    """What a foreign file makes the parser of certificates say is one thing: it is no certificate of ours."""
    refused = (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion)
    try:
        with _STRICT, warnings.catch_warnings():
            warnings.simplefilter("error", CryptographyDeprecationWarning)  # serial numbers below 1, and the like
            return read_it()
    except (*refused, CryptographyDeprecationWarning):
        raise damaged(what) from None


def damaged(what: str) -> PpcError:
    return fail("PPC660", f"`{what}` is no certificate that ppc made.", hint="Ask for `certificate.pem` again.")


def plain_fingerprint(text: str) -> str:
    """64 hexadecimal digits, however they were grouped."""
    plain = text.lower().removeprefix("sha256:").replace(":", "").replace(" ", "")
    if len(plain) != 64 or set(plain) - set("0123456789abcdef"):
        raise fail(
            "PPC660", "A fingerprint has 64 hexadecimal digits.", hint="`ppc cert show` prints those of a folder."
        )
    return plain
