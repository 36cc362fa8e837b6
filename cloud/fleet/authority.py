"""The certificate authority of one installation: a root, one intermediate for each tenant, and what they sign.

The root signs the broker, the cloud and the tenants' authorities; a tenant's authority signs only its boxes and
keeps the list of those it revoked. A box sends its certificate together with its tenant's, so the broker knows
just the root and a new tenant changes nothing there. All keys are P-256, in files of mode 0600 under one directory:
`root.key.pem`, `root.cert.pem`, `root.crl.pem` and the same three under `tenants/TENANT/`. What a client id looks
like is decided in `rules`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cloud.files import make_private_directory, write_private
from protocol.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

CLOUD_CLIENT_ID = "cloud"  # no box is called so: the id of a box has two underscores
AUTHORITY_DAYS = 7300  # twenty years: longer than the life of any box that trusts it
LEAF_DAYS = 3650  # there is no renewal over the wire yet; a lost box is revoked, which works at once
BACKDATED_DAYS = 1  # a box's clock may be behind
SERIAL_BYTES = 16  # RFC 5280 allows 20, with the highest bit clear

_ROOT = "root"


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its key, both PEM; `chain` goes before the handshake's other side."""

    chain: bytes
    key: bytes = field(repr=False)
    serial: str  # hexadecimal


@dataclass(frozen=True, slots=True)
class _Signer:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey = field(repr=False)


class Authority:
    """Issues and revokes. Not safe for two processes at once: hold `files.locked` around changes."""

    def __init__(
        self, directory: Path, *, now_ms: Callable[[], int], random_bytes: Callable[[int], bytes]
    ) -> None:
        self._directory = directory
        self._now_ms = now_ms
        self._random_bytes = random_bytes

    def make_root(self) -> None:
        """Make the root if there is none; an existing one is kept."""
        make_private_directory(self._directory / "tenants")
        if not (self._directory / "root.key.pem").exists():
            self._make_signer(self._directory, _ROOT, "tillbox root", None)

    @property
    def root_path(self) -> Path:
        """The root certificate: what boxes, cloud and broker trust."""
        return self._directory / "root.cert.pem"

    def issue_server(self, names: Sequence[str]) -> Issued:
        """Certify the broker under DNS names and IP addresses."""
        return self._issue(self._root(), names[0], ExtendedKeyUsageOID.SERVER_AUTH, names)

    def issue_cloud(self) -> Issued:
        """Certify the cloud as a client of the broker."""
        return self._issue(self._root(), CLOUD_CLIENT_ID, ExtendedKeyUsageOID.CLIENT_AUTH)

    def issue_box(self, tenant: str, client_id: str) -> Issued:
        """Certify a box under its tenant's authority, which is made when it is the tenant's first."""
        signer = self._tenant(tenant)
        issued = self._issue(signer, client_id, ExtendedKeyUsageOID.CLIENT_AUTH)
        return Issued(issued.chain + _pem(signer.certificate), issued.key, issued.serial)

    def revoke(self, tenant: str, serial: str) -> None:
        """Put a box's certificate on its tenant's list; twice changes nothing."""
        directory = self._directory / "tenants" / tenant
        signer = _load(directory, "authority")
        path = directory / "authority.crl.pem"
        known = x509.load_pem_x509_crl(path.read_bytes())
        if known.get_revoked_certificate_by_serial_number(int(serial, 16)) is None:
            write_private(path, self._revocations(signer, known, int(serial, 16)))

    def revocations(self) -> bytes:
        """Give the lists of the root and of all tenants, PEM, one after the other."""
        lists = [self._directory / "root.crl.pem"]
        lists += sorted((self._directory / "tenants").glob("*/authority.crl.pem"))
        return b"".join(path.read_bytes() for path in lists)

    def _root(self) -> _Signer:
        return _load(self._directory, _ROOT)

    def _tenant(self, tenant: str) -> _Signer:
        directory = self._directory / "tenants" / tenant
        make_private_directory(directory)
        if not (directory / "authority.key.pem").exists():
            self._make_signer(directory, "authority", f"tillbox tenant {tenant}", self._root())
        return _load(directory, "authority")

    def _make_signer(self, directory: Path, stem: str, name: str, issuer: _Signer | None) -> None:
        """Write the key last: it tells that the other files are there."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(name, key, AUTHORITY_DAYS, issuer)
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=int(issuer is None)), critical=True
        )
        builder = builder.add_extension(_usage(is_authority=True), critical=True)
        certificate = builder.sign((issuer.key if issuer else key), hashes.SHA256())
        signer = _Signer(certificate, key)
        write_private(directory / f"{stem}.crl.pem", self._revocations(signer, None, None))
        write_private(directory / f"{stem}.cert.pem", _pem(certificate))
        write_private(directory / f"{stem}.key.pem", _key_pem(key))

    def _issue(
        self, signer: _Signer, name: str, purpose: x509.ObjectIdentifier, alternatives: Sequence[str] = ()
    ) -> Issued:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(name, key, LEAF_DAYS, signer)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(is_authority=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
        if alternatives:
            names = x509.SubjectAlternativeName([_general_name(one) for one in alternatives])
            builder = builder.add_extension(names, critical=False)
        certificate = builder.sign(signer.key, hashes.SHA256())
        return Issued(_pem(certificate), _key_pem(key), f"{certificate.serial_number:032x}")

    def _builder(
        self, name: str, key: ec.EllipticCurvePrivateKey, days: int, issuer: _Signer | None
    ) -> x509.CertificateBuilder:
        now = self._now()
        issuer_name = issuer.certificate.subject if issuer else _name(name)
        issuer_key = (issuer.key if issuer else key).public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(issuer_name)
            .public_key(key.public_key())
            .serial_number(int.from_bytes(self._random_bytes(SERIAL_BYTES), "big") >> 1 | 1)
            .not_valid_before(now - timedelta(days=BACKDATED_DAYS))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key), critical=False)
        )

    def _revocations(
        self, signer: _Signer, known: x509.CertificateRevocationList | None, serial: int | None
    ) -> bytes:
        """Sign a list: what was known and one more. It stays valid for long: it is handed over, not fetched."""
        now = self._now()
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(signer.certificate.subject)
            .last_update(now - timedelta(days=BACKDATED_DAYS))
            .next_update(now + timedelta(days=AUTHORITY_DAYS))
        )
        for entry in known or ():
            builder = builder.add_revoked_certificate(entry)
        if serial is not None:
            revoked = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now).build()
            builder = builder.add_revoked_certificate(revoked)
        return builder.sign(signer.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._now_ms() // 1000, UTC)


def _load(directory: Path, stem: str) -> _Signer:
    try:
        certificate = x509.load_pem_x509_certificate((directory / f"{stem}.cert.pem").read_bytes())
        key = serialization.load_pem_private_key((directory / f"{stem}.key.pem").read_bytes(), None)
    except (OSError, ValueError) as error:
        raise ConfigError(
            "authority-missing",
            f"The certificate authority {directory.name}/{stem} is missing or damaged",
            "Make the cloud's directory with --init, or restore it",
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ConfigError("authority-missing", f"The key of {stem} is of another kind", "Restore it")
    return _Signer(certificate, key)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _usage(*, is_authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
