"""What a read model is: a named set of tables that are published together."""

from dataclasses import dataclass
from pathlib import Path

from read_model.table import Table


@dataclass(frozen=True)
class ReadModel:
    """A set of tables with snapshots, a lock and a freshness of its own, so that no source delays another.

    It lives in a folder of its name below DATA_DIR, or in DATA_DIR itself when it is `at_top`.
    """

    name: str
    tables: tuple[Table, ...]
    at_top: bool = False

    def directory(self, data_dir: Path) -> Path:
        """Where its snapshots, its lock and the link `current` are."""
        return data_dir if self.at_top else data_dir / self.name
