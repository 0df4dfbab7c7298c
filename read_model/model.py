"""What a read model is: a named set of tables that are published together."""

from dataclasses import dataclass
from pathlib import Path

from read_model.table import Table


@dataclass(frozen=True)
class ReadModel:
    """A set of tables with its own snapshots, lock and freshness, so that no source delays another.

    It lives in a folder of its own name below DATA_DIR, or in DATA_DIR itself if `at_top`.
    """

    name: str
    tables: tuple[Table, ...]
    at_top: bool = False

    def directory(self, data_dir: Path) -> Path:
        """The folder of its snapshots, its lock and the symlink `current`."""
        return data_dir if self.at_top else data_dir / self.name
