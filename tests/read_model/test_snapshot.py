"""Opening a snapshot: its manifest is read again only when it has changed, and a false manifest is rejected."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from read_model.manifest import FORMAT_VERSION, MANIFEST, File, Manifest, StoredTable, seal, sealed
from read_model.snapshot import SnapshotUnreadableError, read_manifest
from read_model.table import Between

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
FILES = tuple(File(name=name, rows=1, bytes=2, sha256="0" * 64) for name in ("votes.parquet", "votes.1.parquet"))
VOTES = StoredTable(columns={"id": "Int32", "average": "Decimal(4, 2)"}, files=FILES)


def manifest_in(directory: Path, source: str = "drawn") -> Manifest:
    """A manifest of one table, for a snapshot in that directory."""
    return Manifest(
        id=directory.name,
        data_updated_at=NINE,
        read_at=NINE,
        full_sync_at=NINE,
        synced_at=NINE,
        source=source,
        tables={"votes": VOTES},
    )


def write(directory: Path, text: str) -> None:
    """Put a manifest there."""
    (directory / MANIFEST).write_text(text, encoding="utf-8")


def test_an_unchanged_manifest_is_read_once(tmp_path: Path) -> None:
    """The same object again."""
    write(tmp_path, sealed(manifest_in(tmp_path)))
    assert read_manifest(tmp_path) is read_manifest(tmp_path)


def test_a_manifest_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    """By another one, by none, by a broken one and by one of a later version: none of them is overlooked."""
    write(tmp_path, sealed(manifest_in(tmp_path, "first")))
    assert read_manifest(tmp_path).source == "first"
    write(tmp_path, sealed(manifest_in(tmp_path, "other")))
    assert read_manifest(tmp_path).source == "other"
    (tmp_path / MANIFEST).unlink()
    with pytest.raises(SnapshotUnreadableError, match="No such file"):
        read_manifest(tmp_path)
    for text in ("{", f'{{"format_version": {FORMAT_VERSION + 1}}}'):
        write(tmp_path, text)
        for _ in range(2):
            with pytest.raises(SnapshotUnreadableError):
                read_manifest(tmp_path)
    write(tmp_path, sealed(manifest_in(tmp_path, "mended")))
    assert read_manifest(tmp_path).source == "mended"


def test_any_changed_byte_is_noticed(tmp_path: Path) -> None:
    """In a name, a digit, a brace, a space, or the checksum itself."""
    text = sealed(manifest_in(tmp_path)).encode()
    for position in range(len(text)):
        changed = bytearray(text)
        changed[position] ^= 1
        (tmp_path / MANIFEST).write_bytes(changed)
        with pytest.raises(SnapshotUnreadableError):
            read_manifest(tmp_path)


def test_the_first_version_of_the_format_is_still_read(tmp_path: Path) -> None:
    """It had no checksum and no time of the updater: that of the source is used instead."""
    facts = manifest_in(tmp_path).model_dump(mode="json", exclude={"synced_at"}) | {"format_version": 1}
    write(tmp_path, json.dumps(facts))
    assert read_manifest(tmp_path) == manifest_in(tmp_path).model_copy(update={"format_version": 1})


def test_the_second_version_of_the_format_is_still_read(tmp_path: Path) -> None:
    """It did not say of which times a file's rows are, so each of them may be of any."""
    facts = manifest_in(tmp_path).model_dump(mode="json") | {"format_version": 2}
    for file in facts["tables"]["votes"]["files"]:
        del file["instants"]
    write(tmp_path, seal(json.dumps(facts, indent=1)))
    assert read_manifest(tmp_path) == manifest_in(tmp_path).model_copy(update={"format_version": 2})
    assert FILES[0].may_have(Between("voted_at", NINE, NINE + timedelta(days=1)))


def test_a_manifest_of_now_without_its_checksum_is_unreadable(tmp_path: Path) -> None:
    """Also when it pretends to be of the first version."""
    facts = json.loads(sealed(manifest_in(tmp_path)))
    write(tmp_path, json.dumps(facts | {"format_version": 1}))
    with pytest.raises(SnapshotUnreadableError, match="checksum"):
        read_manifest(tmp_path)
    del facts["checksum"]
    write(tmp_path, json.dumps(facts))
    with pytest.raises(SnapshotUnreadableError, match=f"version {FORMAT_VERSION}, and its checksum is missing"):
        read_manifest(tmp_path)


def first_file(facts: dict[str, Any]) -> dict[str, Any]:
    """What a manifest says of a file."""
    file: dict[str, Any] = facts["tables"]["votes"]["files"][0]
    return file


LIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "of another snapshot": lambda facts: facts.update(id="20260302T090000000000Z-abcd"),
    "read in year 1": lambda facts: facts.update(read_at="0001-01-01T00:00:00Z"),
    "read in year 9999": lambda facts: facts.update(read_at="9999-12-31T23:59:59-12:00"),
    "told in year 9999": lambda facts: facts.update(data_updated_at="9999-12-31T23:59:59Z"),
    "without a time zone": lambda facts: facts.update(synced_at="2026-03-02T09:00:00"),
    "read in full after it was read": lambda facts: facts.update(full_sync_at="2026-03-02T09:00:01Z"),
    "a file elsewhere": lambda facts: first_file(facts).update(name="../../secret.parquet"),
    "a file of another table": lambda facts: first_file(facts).update(name="users.parquet"),
    "a file twice": lambda facts: facts["tables"]["votes"]["files"].reverse(),
    "a table elsewhere": lambda facts: facts.update(tables={"../votes": facts["tables"]["votes"]}),
    "no file": lambda facts: facts["tables"]["votes"].update(files=[]),
    "less than no row": lambda facts: first_file(facts).update(rows=-1),
    "no digest": lambda facts: first_file(facts).update(sha256=""),
    "a type there is not": lambda facts: facts["tables"]["votes"]["columns"].update(id="Int33"),
    "too many digits": lambda facts: facts["tables"]["votes"]["columns"].update(average="Decimal(39, 2)"),
    "a further fact": lambda facts: facts.update(colour="red"),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_manifest_that_parses_but_lies_is_unreadable(tmp_path: Path, lie: Callable[[dict[str, Any]], object]) -> None:
    """With a checksum that is right; without the lie it can be read."""
    facts = manifest_in(tmp_path).model_dump(mode="json")
    write(tmp_path, seal(json.dumps(facts, indent=1)))
    assert read_manifest(tmp_path) == manifest_in(tmp_path)
    lie(facts)
    write(tmp_path, seal(json.dumps(facts, indent=1)))
    with pytest.raises(SnapshotUnreadableError):
        read_manifest(tmp_path)
