"""Writes measurements into documents."""

from pathlib import Path

README = Path(__file__).parent / "README.md"


def write_between_markers(path: Path, text: str, begin: str, end: str) -> None:
    """Replace the text between two markers of a file.

    Raises:
        ValueError: The file lacks one of them.
    """
    before, found_begin, rest = path.read_text(encoding="utf-8").partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end):
        raise ValueError(f"{path} lacks {begin} or, after it, {end}")
    path.write_text(f"{before}{begin}\n{text}\n\n{end}{after}", encoding="utf-8")
