"""What `wwt setup-tls` makes and refuses; `tests/roof/test_setup_tls.py` serves with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from wwt_framework.cli import cli
from wwt_framework.errors import WwtError
from wwt_framework.setup_tls import Wanted, link, make
from wwt_framework.testing.certificates import Authority
from wwt_framework.web.encrypted import Keys, make_adapter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


@pytest.mark.parametrize("cipher", ["aes128", "aes192", "aes256"])
def test_c5_an_encrypted_key_opens_with_its_pass_phrase_only(folder, tmp_path, cipher) -> None:
    phrase = tmp_path / "phrase"
    phrase.write_text("correct horse\nanother line\n")
    make(Wanted(folder, ["localhost"], cipher=cipher, passphrase_file=phrase))
    certificate, key = folder / "cert.pem", folder / "privkey.pem"

    assert key.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert key.stat().st_mode & 0o777 == 0o600
    make_adapter(Keys(certificate, key, "correct horse"))
    with pytest.raises(WwtError, match=r"privkey\.pem: does not open with the pass phrase of wwt\.tls\.passphrase"):
        make_adapter(Keys(certificate, key, "wrong horse"))
    with pytest.raises(WwtError, match=r"privkey\.pem: is encrypted; give its pass phrase as wwt\.tls\.passphrase"):
        make_adapter(Keys(certificate, key))


def test_c5_a_pass_phrase_may_come_from_the_environment(folder, monkeypatch) -> None:
    monkeypatch.setenv("WWT_PHRASE", "correct horse")
    lines = make(Wanted(folder, ["localhost"], cipher="aes256", passphrase_variable="WWT_PHRASE"))

    assert "passphrase: {$env: WWT_PHRASE}" in lines
    make_adapter(Keys(folder / "cert.pem", folder / "privkey.pem", "correct horse"))


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"cipher": "aes256"}, "an encrypted key needs a pass phrase"),
        ({"cipher": "aes256", "passphrase_variable": "WWT_NOT_SET"}, r"\$WWT_NOT_SET: expected a pass phrase of at"),
        ({"cipher": "aes256", "passphrase_file": "short"}, "short: expected a pass phrase of at least 8 characters"),
        ({"hosts": ["a,IP:6.6.6.6"]}, "expected a name or an address"),
        ({"hosts": [""]}, "expected a name or an address"),
        ({"cipher": "rot13", "passphrase_file": "long"}, "openssl genpkey failed: .*rot13"),
    ],
)
def test_what_can_not_be_made_is_refused_and_leaves_nothing_behind(folder, tmp_path, monkeypatch, wanted, said) -> None:
    monkeypatch.chdir(tmp_path)
    Path("short").write_text("abc\n")
    Path("long").write_text("correct horse\n")
    if "passphrase_file" in wanted:
        wanted = {**wanted, "passphrase_file": Path(wanted["passphrase_file"])}

    with pytest.raises(WwtError, match=said):
        make(Wanted(folder, **{"hosts": ["localhost"], **wanted}))
    assert not list(folder.glob("*"))


def test_keys_that_are_there_are_never_replaced(folder) -> None:
    make(Wanted(folder, ["localhost"]))
    before = (folder / "privkey.pem").read_bytes()

    with pytest.raises(WwtError, match="is there already"):
        make(Wanted(folder, ["localhost"]))
    assert (folder / "privkey.pem").read_bytes() == before


def test_files_that_can_not_be_linked_are_named(folder, tmp_path) -> None:
    both = Authority(tmp_path / "authority").server()
    both.chmod(0o644)

    with pytest.raises(WwtError, match=r"nothing\.pem: expected an existing file"):
        link(folder, tmp_path / "nothing.pem", both)
    with pytest.raises(WwtError, match=r"others can read this key \(mode 0644\); make it 0600"):
        link(folder, both, both)


def test_a_cipher_that_nobody_knows_is_refused() -> None:
    done = CliRunner().invoke(cli, ["setup-tls", "--encrypt", "des"])

    assert done.exit_code == 2
    assert "'des' is not one of 'aes128', 'aes192', 'aes256'" in done.output
