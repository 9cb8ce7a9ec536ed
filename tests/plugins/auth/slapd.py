"""A real slapd with a small organization in it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from .fronts import Program, free_port
from .grid_authority import GridAuthority

CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload memberof
pidfile {folder}/slapd.pid
TLSCACertificateFile {ca}
TLSCertificateFile {pem}
TLSCertificateKeyFile {pem}
database mdb
maxsize 10485760
suffix "dc=example,dc=org"
rootdn "cn=admin,dc=example,dc=org"
rootpw secret
directory {folder}/db
overlay memberof
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
"""

BASE = """
dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=people,dc=example,dc=org
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=org
objectClass: organizationalUnit
ou: groups
"""

PERSON = """
dn: {dn}
objectClass: inetOrgPerson
cn: {cn}
sn: {uid}
uid: {uid}
mail: {uid}@example.org
userPassword: {password}
"""

GROUP = """
dn: cn={dn},ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: {cn}
"""

PEOPLE = "ou=people,dc=example,dc=org"
OLGA = f"cn=Olga (Ops*)\\, Example,{PEOPLE}"
SVC = f"uid=svc,{PEOPLE}"
STARRED = "ops (*) \\5c"


class Slapd:
    """Answers LDAPS at ``tls`` and LDAP with StartTLS at ``plain``, addresses both."""

    def __init__(self, folder: Path, authority: GridAuthority) -> None:
        port, tls = free_port(), free_port()
        self.plain, self.tls = f"ldap://127.0.0.1:{port}", f"ldaps://127.0.0.1:{tls}"
        self.log = folder / "slapd.log"
        (folder / "db").mkdir()
        conf = folder / "slapd.conf"
        conf.write_text(CONF.format(folder=folder, ca=authority.path, pem=authority.server()))
        # A copy: a profile of AppArmor would keep the installed one from reading our files.
        binary = shutil.copy(shutil.which("slapd") or "/usr/sbin/slapd", folder / "slapd")
        words = [str(binary), "-d", "0", "-f", str(conf), "-h", f"{self.plain} {self.tls}"]
        self.program = Program(words, tls, self.log)
        self.log.touch()

    def start(self) -> Slapd:
        self.program.start()
        self.change(_organization(), "-a")  # memberOf is kept by the server: slapadd would leave it out
        return self

    def change(self, ldif: str, *more: str) -> None:
        done = subprocess.run(
            ["ldapmodify", *more, "-x", "-H", self.plain, "-D", "cn=admin,dc=example,dc=org", "-w", "secret"],
            input=ldif, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


def _organization() -> str:
    people = [
        PERSON.format(dn=OLGA, cn="Olga (Ops*), Example", uid="olga", password="correct horse"),
        PERSON.format(dn=f"uid=vera,{PEOPLE}", cn="Vera", uid="vera", password="verapw"),
        PERSON.format(dn=SVC, cn="svc", uid="svc", password="svcpw"),
        PERSON.format(dn=f"uid=star\\2a,{PEOPLE}", cn="Star", uid="star*", password="starpw"),
        PERSON.format(dn=f"uid=twin,{PEOPLE}", cn="Twin", uid="twin", password="twinpw"),
        PERSON.format(dn=f"cn=Twin,{PEOPLE}", cn="Twin", uid="twin", password="twinpw"),
    ]
    groups = {
        ("operators", "operators"): [OLGA],
        (STARRED, "ops (*) \\"): [OLGA],
        ("experts", "experts"): [f"cn=operators,{PEOPLE.replace('people', 'groups')}", f"uid=vera,{PEOPLE}"],
        ("leads", "leads"): [f"cn=experts,{PEOPLE.replace('people', 'groups')}"],
    }
    told = [
        GROUP.format(dn=dn, cn=cn) + "".join(f"member: {member}\n" for member in members)
        for (dn, cn), members in groups.items()
    ]
    posix = f"\ndn: cn=batch,{PEOPLE.replace('people', 'groups')}\nobjectClass: posixGroup\ncn: batch\ngidNumber: 7\nmemberUid: vera\n"
    return BASE + "".join(people) + "".join(told) + posix
