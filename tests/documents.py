"""The documents as tests read them: their blocks, commands and tables."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from textwrap import dedent
from typing import Any

from tests.processes import ROOT

DOCUMENTS = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
}
TEXT = "\n".join(DOCUMENTS.values())
# The section whose commands a walk runs from first to last.
FOLLOWED = ("README.md", "Run it on your own data")
FENCED = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    language: str
    text: str


def blocks(text: str = TEXT) -> list[Block]:
    """All fenced blocks, those of list items too, without their indentation."""
    return [Block(language, dedent(content)) for _, language, content in FENCED.findall(text)]


def code_spans(text: str = TEXT) -> list[str]:
    """The inline code outside of fenced blocks."""
    return re.findall(r"`([^`\n]+)`", FENCED.sub("", text))


def commands(text: str = TEXT) -> Iterator[str]:
    """Each command of the shell blocks; an indented line continues the previous one."""
    for block in blocks(text):
        if block.language == "sh":
            yield from (command.strip() for command in re.split(r"\n(?! )", block.text) if command.strip())


def section(document: str, heading: str) -> str:
    """The text under a heading of the second level."""
    found = DOCUMENTS[document].partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert found, f"{document} has no section {heading}"
    return found


def rows(text: str) -> list[list[str]]:
    """The cells of the tables in a text, including header rows."""
    lines = [line.strip() for line in FENCED.sub("", text).splitlines() if re.match(r" *\|(?!-)", line)]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))] for line in lines]


def table(document: str, heading: str) -> list[list[str]]:
    """The cells of a section's tables, without the header of the first one."""
    return rows(section(document, heading))[1:]


def endpoints() -> list[tuple[str, str]]:
    """Each endpoint that has a row in a table of a document, with the document."""
    return [
        (row[0].strip("`"), document)
        for document, text in DOCUMENTS.items()
        for row in rows(text)
        if re.fullmatch(r"`(GET|POST|PUT|DELETE) /\S*`", row[0])
    ]


def examples() -> list[tuple[str, Any]]:
    """Each request with the answer printed below it; `…` became a field of that name."""
    return [
        (above.text.strip(), json.loads(below.text.replace("…", '"…": null')))
        for above, below in pairwise(blocks())
        if (above.language, below.language) == ("sh", "json")
    ]
