"""An authority as the grid has them: names in parts, lists of revoked certificates, proxies."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOW = datetime.now(timezone.utc)
HOUR = timedelta(hours=1)
OLGA = "CN=Olga Ópera,CN=olga,OU=Users,DC=example,DC=org"
PROXY = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.14")
_ANY_POLICY = bytes.fromhex("300c300a06082b06010505071501")  # inherit all, RFC 3820


class GridAuthority:
    def __init__(self, folder: Path, name: str = "CN=Grid Authority,DC=example,DC=org") -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.name = x509.Name.from_rfc4514_string(name)
        self.key = ec.generate_private_key(ec.SECP256R1())
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        made = self._builder(self.name, self.name, self.key, NOW - HOUR, NOW + 24 * HOUR).add_extension(
            x509.BasicConstraints(True, None),
            True,
        )
        self.certificate = made.add_extension(usage, True).sign(self.key, hashes.SHA256())
        self.path = folder / "authority.pem"
        self.path.write_bytes(_pem(self.certificate))

    def person(self, name: str = OLGA, begin: datetime = NOW - HOUR, end: datetime = NOW + HOUR) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name.from_rfc4514_string(name)
        made = self._builder(subject, self.name, key, begin, end).sign(self.key, hashes.SHA256())
        return self._write(f"person-{made.serial_number}.pem", made, key)

    def server(self) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        subject = x509.Name.from_rfc4514_string("CN=127.0.0.1")
        made = self._builder(subject, self.name, key, NOW - HOUR, NOW + HOUR).add_extension(names, False)
        return self._write("server.pem", made.sign(self.key, hashes.SHA256()), key)

    def proxy(self, person: Path, last: str = "12345", extended: bool = True) -> Path:
        """A grid proxy of *person*, as voms-proxy-init makes it."""
        own, signer = read(person), serialization.load_pem_private_key(person.read_bytes(), None)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([*own.subject, x509.NameAttribute(x509.NameOID.COMMON_NAME, last)])
        made = self._builder(subject, own.subject, key, NOW - HOUR, NOW + HOUR)
        if extended:
            made = made.add_extension(x509.UnrecognizedExtension(PROXY, _ANY_POLICY), True)
        return self._write(f"proxy-{last}.pem", made.sign(signer, hashes.SHA256()), key, own)

    def revoke(self, *people: Path, until: datetime = NOW + HOUR, signer: GridAuthority | None = None) -> Path:
        made = x509.CertificateRevocationListBuilder(self.name, NOW - 2 * HOUR, until)
        for person in people:
            made = made.add_revoked_certificate(
                x509.RevokedCertificateBuilder(read(person).serial_number, NOW - HOUR).build()
            )
        path = self.folder / "revoked.r0"
        signed = made.sign((signer or self).key, hashes.SHA256())
        path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        return path

    @staticmethod
    def _builder(subject, issuer, key, begin, end) -> x509.CertificateBuilder:
        return x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number(), begin, end)

    def _write(self, file: str, made: x509.Certificate, key: ec.EllipticCurvePrivateKey, *chain) -> Path:
        path = self.folder / file
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + b"".join(map(_pem, [made, *chain])))
        return path


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificates(path.read_bytes())[0]


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
