"""Signatures with the key of a party's certificate, for what passes through somebody else's hands.

ECDSA over P-256 with SHA-256; r and s as 32 bytes each, so that all signatures are of one length.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from ppc.errors import fail
from ppc.runtime.certificates import Certificate
from ppc.runtime.keyring import Keyring

SIGNATURE_BYTES = 64
_CONTEXT = b"ppc/signature/v1|"


def sign(keyring: Keyring, text: bytes) -> bytes:
    """By the owner of this folder."""
    path = keyring.key_file
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise fail("PPC660", f"`{path}` is no key that ppc made.", hint="`ppc cert renew` makes another one.")
    r, s = decode_dss_signature(key.sign(_CONTEXT + text, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def signed(certificate: Certificate, text: bytes, signature: bytes) -> bool:
    """Whether the owner of this certificate signed these bytes."""
    key = x509.load_pem_x509_certificate(certificate.pem.encode()).public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or len(signature) != SIGNATURE_BYTES:
        return False
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    try:
        key.verify(encode_dss_signature(r, s), _CONTEXT + text, ec.ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True
