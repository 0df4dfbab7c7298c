"""REPOSITORIES_FILE: errors name the line, and say what is wrong and what to do about it."""

import os
from pathlib import Path

import pytest

from sources.git.configuration import load_configuration
from util.errors import ConfigurationError

SHOP = "organization_id: acme\ncodebases:\n  - owner: acme\n    name: shop\n"
TWO = "organization_id: acme\ncodebases:\n  - {{owner: o, name: a, {}}}\n  - {{owner: o, name: b, {}}}\n"
ID = "11111111-1111-1111-1111-111111111111"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "repositories.yaml"


def test_what_is_given_and_what_follows_from_it(file: Path) -> None:
    other_entry = "  - {owner: o, name: n, url: git@host.example:o/n.git}\n"
    file.write_text(SHOP + "    url: ../tools\n    branches: [main, 'release/*']\n" + other_entry)
    configuration = load_configuration(file)
    tools, other = configuration.codebases
    assert configuration.organization_id == tools.organization_id == "acme"
    assert (tools.display_name, tools.provider, tools.protocol) == ("acme/shop", "git", "file")
    assert (Path(tools.url), tools.branches) == (file.parent.parent / "tools", ("main", "release/*"))
    assert (other.url, other.protocol) == ("git@host.example:o/n.git", "ssh")
    assert tools.id != other.id


def test_the_id_follows_from_where_a_url_leads_to(file: Path) -> None:
    ids = []
    for url in ("https://host.example/o/n", "HTTPS://HOST.example/o/n.git/", "https://host.example/O/n"):
        file.write_text(f"{SHOP}    url: {url}\n")
        ids += [codebase.id for codebase in load_configuration(file).codebases]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize("text", ["\ufefforganization_id: acme\n", "organization_id: acme\ncodebases: []\n"])
def test_no_codebases_and_a_byte_order_mark(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    assert load_configuration(file).codebases == ()


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("", 1, "it must have `organization_id` and `codebases`"),
        ("- acme\n", 1, "it must have `organization_id` and `codebases`"),
        ("codebases: []\n", 1, "`organization_id` is missing: name the organisation"),
        ("organization_id:\n", 1, "`organization_id` is missing"),
        ("organization_id: ''\n", 1, "`organization_id` is wrong: it is empty"),
        ("\norganization_id: [acme]\n", 2, "`organization_id` is wrong: it must be text"),
        ("organization_id: acme\ncodebase: []\n", 2, "`codebase` is unknown: organization_id, codebases"),
        ("organization_id: acme\norganization_id: b\n", 2, "`organization_id` is given twice, first on line 1"),
        ("organization_id: acme\ncodebases: shop\n", 2, "`codebases` must be a list"),
        (f"{SHOP}    owner: b\n    url: /x\n", 5, "`owner` is given twice, first on line 3"),
        (SHOP, 3, "`url` is missing"),
        (f"{SHOP}    url: /x\n    branch: main\n", 6, "`branch` is unknown: a codebase has branches, default_branch"),
        (f"{SHOP}    url: /x\n    branches: main\n", 6, "`branches` is wrong: it must be a list"),
        (f"{SHOP}    url: /x\n    branches: [[main]]\n", 6, "`branches` is wrong: it must be text"),
        (f"{SHOP}    url: /x\n    id: 12\n", 6, "`id` is wrong: it must be a UUID"),
        (f"{SHOP}    url: /x\n    token_env: a token\n", 6, "`token_env` is wrong: it has a character that is not"),
        (f"{SHOP}    url: [/x]\n", 5, "`url` is wrong: it must be text"),
        (f"{SHOP}    url: ''\n", 5, "`url` is wrong: it is empty"),
        (f"{SHOP}    url: https:///x\n", 5, "`url` is wrong: it has no host"),
        (f"{SHOP}    url: 'https://[x/y'\n", 5, "`url` is wrong: it is not a URL"),
        (f"{SHOP}    url: http://host.example/x\n", 5, "http is for this machine only: use https"),
        (f"{SHOP}    url: ftp://host.example/x\n", 5, "`ftp` is not supported: use https, ssh or a path"),
        (f"{SHOP}    url: 'ext::sh -c x'\n", 5, "it is neither an https or ssh URL nor a path"),
        (f"{SHOP}    url: https://me:secret@host.example/x\n", 5, "put the token in a variable"),
        ("organization_id: acme\ncodebases:\n\t- owner: a\n", 3, "'\\t' that cannot start any token"),
        ("{[", 1, "expected the node content"),
        ("a: b\n---\na: b\n", 2, "expected a single document"),
        ("a: \0\n", 1, "a character is not allowed: 0x0000"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", 2, "aliases are not allowed"),
        ("? [a]\n: b\n", 1, "a key must be a word"),
        ("organization_id: acme\ncodebases: " + "[" * 100 + "]" * 100, 2, "it is nested too deeply"),
        ("[" * 5_000 + "]" * 5_000, 1, "it is nested too deeply"),
    ],
)
def test_what_is_wrong_and_where(file: Path, text: str, line: int, expected: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(file)
    assert str(caught.value).startswith(f"{file} line {line}: ")
    assert expected in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("url: https://h.example/x", "url: https://H.example/x.git/", "same `url` as the one on line 3"),
        ("url: ./x", "url: x", "same `url` as the one on line 3"),
        (f"url: ./x, id: {ID}", f"url: ./y, id: {ID}", "same `id` as the one on line 3"),
        (f"url: ./x, id: {ID}", f"url: ./y, id: {ID.replace('-', '')}", "same `id` as the one on line 3"),
    ],
)
def test_a_codebase_given_twice(file: Path, one: str, other: str, expected: str) -> None:
    file.write_text(TWO.format(one, other))
    with pytest.raises(ConfigurationError, match=f"line 4: the codebase has the {expected}"):
        load_configuration(file)


@pytest.mark.parametrize("entry", ["shop", "", "[]"])
def test_an_entry_that_is_not_a_codebase(file: Path, entry: str) -> None:
    file.write_text(f"organization_id: acme\ncodebases:\n  - {entry}\n")
    with pytest.raises(ConfigurationError, match="entry 1 of `codebases` must have owner, name and url"):
        load_configuration(file)


def test_files_that_cannot_be_read(file: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"No such file or directory\): name a file that this user may read"):
        load_configuration(file)
    with pytest.raises(ConfigurationError, match="Is a directory"):
        load_configuration(file.parent)
    file.write_bytes(b"organization_id: acme\n# \xff\n")
    with pytest.raises(ConfigurationError, match="line 2: it is not UTF-8: save the file as UTF-8"):
        load_configuration(file)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(file: Path) -> None:
    file.touch(mode=0)
    with pytest.raises(ConfigurationError, match="Permission denied"):
        load_configuration(file)
