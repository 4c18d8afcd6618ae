import pytest

from taskstore.core.urls import strip_credentials

SECRET = "s3cr3t"  # noqa: S105 - the word that must not come through


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"https://user:{SECRET}@host.org/a/b.git", "https://host.org/a/b.git"),
        (f"https://{SECRET}@github.com/a/b", "https://github.com/a/b"),
        (f"https://{SECRET}:x-oauth-basic@github.com/a/b", "https://github.com/a/b"),
        (f"https://:{SECRET}@host/a", "https://host/a"),
        (f"HTTPS://user:{SECRET}@Host.org:8443/a", "HTTPS://Host.org:8443/a"),
        (f"https://user:p@{SECRET}@host/a", "https://host/a"),
        (f"https://user:p/{SECRET}@host/a", "https://host/a"),
        (f"https://user:p#{SECRET}@host/a", "https://host/a"),
        (f"https://user:{SECRET}@[::1]:3000/a", "https://[::1]:3000/a"),
        (f"git+https://oauth2:{SECRET}@gitlab.com/a/b.git@v1", "git+https://gitlab.com/a/b.git@v1"),
        (f"ftp://user:{SECRET}@host/a", "ftp://host/a"),
        (f"socks5h://u:{SECRET}@proxy:1080", "socks5h://proxy:1080"),
        (f"ssh://git:{SECRET}@host:22/a/b", "ssh://git@host:22/a/b"),
        (f"git+ssh://git:{SECRET}@host/a", "git+ssh://git@host/a"),
        (f"ssh://git:a/{SECRET}@host/a", "ssh://git@host/a"),
        (f"git:{SECRET}@host.org:a/b.git", "git@host.org:a/b.git"),
        (f"codecommit::https://u:{SECRET}@host/a", "codecommit::https://host/a"),
        (f"https://host/a.git?private_token={SECRET}&ref=main", "https://host/a.git?ref=main"),
        (f"https://host/a.git?ref=main&access_token={SECRET}", "https://host/a.git?ref=main"),
        (f"https://host/a.git?%74oken={SECRET}", "https://host/a.git"),
        (f"https://host/a?X-Amz-Signature={SECRET}&X-Amz-Date=1", "https://host/a?X-Amz-Date=1"),
        (f"https://host/a?sv=1&sig={SECRET}", "https://host/a?sv=1"),
        (f"https://host/a?api_key={SECRET}#readme", "https://host/a#readme"),
        (f"https://host/a#access_token={SECRET}", "https://host/a"),
        (f"https://u:{SECRET}@host/a?password={SECRET}#x&token={SECRET}", "https://host/a#x"),
    ],
)
def test_a_secret_never_comes_through_and_the_rest_stays(url: str, expected: str) -> None:
    assert strip_credentials(url) == expected
    assert SECRET not in strip_credentials(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://host.org/a/b.git",
        "https://host.org:8443/a/b.git?ref=main&depth=1#L10",
        "https://host/a@v1",
        "https://host/tokens/secret.git",
        "https://host/?q=a;b&keyboard=de",
        "https://[::1]/user@x",
        "ssh://git@host:22/a/b",
        "git@github.com:a/b.git",
        "host.org:a/b.git",
        "[git@host:2222]:a/b",
        "git://host/a",
        "file:///srv/git/a b.git",
        "/srv/git/a@b:c.git",
        "../upstream.git",
        "./a:b@c",
        r"C:\Users\me@work\repo",
        "C:/Users/me@work/a:b",
        r"\\server\share\a@b",
        "naïve/ünïcode",
        "s3://bucket/key",
        "two\nlines",
    ],
)
def test_an_address_without_a_secret_is_left_as_it_is(url: str) -> None:
    assert strip_credentials(url) == url


@pytest.mark.parametrize(
    "url", ["://", "https://", "https://@", "ssh://@", "a://b:c@", "@", ":@:", "::", "x::y://", "?=&", "https://h?&&;"]
)
def test_any_text_gives_a_text_and_stripping_twice_changes_nothing(url: str) -> None:
    once = strip_credentials(url)
    assert strip_credentials(once) == once
