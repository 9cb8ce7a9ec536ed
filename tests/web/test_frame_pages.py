import pytest


@pytest.mark.parametrize("path", ["/", "/login", "/logout", "/plugins", "/jobs", "/freshness", "/help/keys", "/jump", "/jump?q=xx", "/nothing"])
@pytest.mark.parametrize("user", ["", "vera", "olga", "adam", "nora"])
def test_page_is_valid_html(client, path, user):
    got = client.get(path, user=user)
    got.dom()
    assert got.status in (200, 404), got.text
