"""Finds what a Python file imports."""

import ast
from collections.abc import Iterator
from pathlib import Path


def imports(file: Path) -> Iterator[str]:
    """The modules that a file imports; `from package import name` gives `package.name`."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative imports hide where a name comes from"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
