"""Opening a snapshot: its manifest is read when it is another one, and only then."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from read_model.manifest import FORMAT_VERSION, MANIFEST, Manifest
from read_model.snapshot import SnapshotUnreadableError, read_manifest

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)


def write(directory: Path, name: str) -> None:
    """A manifest of no tables."""
    manifest = Manifest(id=name, data_updated_at=NINE, read_at=NINE, full_sync_at=NINE, source="drawn", tables={})
    (directory / MANIFEST).write_text(manifest.model_dump_json(), encoding="utf-8")


def test_an_unchanged_manifest_is_read_once(tmp_path: Path) -> None:
    """The same object again."""
    write(tmp_path, "first")
    assert read_manifest(tmp_path) is read_manifest(tmp_path)


def test_a_manifest_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    """By another one, by none, by a broken one and by one of a later version: none of them is overlooked."""
    write(tmp_path, "first")
    assert read_manifest(tmp_path).id == "first"
    write(tmp_path, "another one")
    assert read_manifest(tmp_path).id == "another one"
    (tmp_path / MANIFEST).unlink()
    with pytest.raises(SnapshotUnreadableError, match="No such file"):
        read_manifest(tmp_path)
    for text in ("{", f'{{"format_version": {FORMAT_VERSION + 1}}}'):
        (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
        for _ in range(2):
            with pytest.raises(SnapshotUnreadableError):
                read_manifest(tmp_path)
    write(tmp_path, "mended")
    assert read_manifest(tmp_path).id == "mended"
