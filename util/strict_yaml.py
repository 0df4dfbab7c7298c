"""YAML for configuration files: every scalar is text, and nothing is silently taken for something else.

Aliases, which can expand without end, and duplicate keys are refused. Mappings know their line numbers.
"""

from pathlib import Path

import yaml

from util.errors import ConfigurationError

type Value = str | list[Value] | Mapping | None

DEEPEST = 50
TOO_DEEP = "it is nested too deeply"


class Mapping(dict[str, Value]):
    """A mapping that knows the line it begins on, and the lines of its keys."""

    line: int
    lines: dict[str, int]


class YamlError(ConfigurationError):
    """A file can't be understood; the message names file and line."""

    def __init__(self, path: Path, line: int, what: str) -> None:
        super().__init__(f"{path} line {line}: {what}")


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.get_event()  # type: ignore[no-untyped-call]  # it has no types
            raise yaml.MarkedYAMLError(problem="aliases are not allowed", problem_mark=event.start_mark)
        return super().compose_node(parent, index)


def load_yaml(path: Path) -> Value:
    """The contents of a YAML file; plain scalars without text are None, all others are text.

    Raises:
        YamlError: It is not YAML, or uses a refused feature.
        ConfigurationError: The file can't be read.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), _Loader)
    except OSError as error:
        raise ConfigurationError(
            f"{path} can't be read ({error.strerror}): name a file that this user may read"
        ) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise YamlError(path, line, "it is not UTF-8: save the file as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise YamlError(path, line, ", ".join(filter(None, (error.context, error.problem)))) from None
    except yaml.reader.ReaderError as error:
        raise YamlError(path, 1, f"a character is not allowed: {error.character:#06x}") from None
    except RecursionError:
        raise YamlError(path, 1, TOO_DEEP) from None
    return None if node is None else _value(path, node, DEEPEST)


def _value(path: Path, node: yaml.Node, deepest: int) -> Value:
    if not deepest:
        raise YamlError(path, node.start_mark.line + 1, TOO_DEEP)
    if isinstance(node, yaml.ScalarNode):
        is_nothing = node.style is None and node.value in {"", "~", "null"}
        return None if is_nothing else str(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_value(path, item, deepest - 1) for item in node.value]
    return _mapping(path, node, deepest)


def _mapping(path: Path, node: yaml.Node, deepest: int) -> Mapping:
    mapping = Mapping()
    mapping.line, mapping.lines = node.start_mark.line + 1, {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise YamlError(path, line, "a key must be a word")
        if key.value in mapping:
            raise YamlError(path, line, f"`{key.value}` is given twice, first on line {mapping.lines[key.value]}")
        mapping[key.value] = _value(path, value, deepest - 1)
        mapping.lines[key.value] = line
    return mapping
