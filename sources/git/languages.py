"""The language of a file, judged by its name; null if unknown."""

from collections.abc import Mapping

# Full file names in lower case; the other entries below are extensions.
NAMES = (
    *("build.bazel", "cmakelists.txt", "containerfile", "dockerfile", "gemfile", "gnumakefile", "jenkinsfile"),
    *("makefile", "rakefile", "sconstruct"),
)
# Prose and data are never the primary language of a codebase that has code.
CODE: Mapping[str, str] = {
    name: language
    for language, names in {
        "Assembly": "asm s nasm",
        "Astro": "astro",
        "Batchfile": "bat cmd",
        "C": "c h",
        "C#": "cs csx",
        "C++": "cc cpp cxx c++ hh hpp hxx ipp inl",
        "CMake": "cmake cmakelists.txt",
        "COBOL": "cob cbl",
        "CSS": "css",
        "Clojure": "clj cljs cljc edn",
        "CoffeeScript": "coffee",
        "Crystal": "cr",
        "Cuda": "cu cuh",
        "Cython": "pyx pxd pxi",
        "D": "d",
        "Dart": "dart",
        "Dockerfile": "dockerfile containerfile",
        "Elixir": "ex exs heex",
        "Elm": "elm",
        "Erlang": "erl hrl",
        "F#": "fs fsi fsx",
        "Fortran": "f f77 f90 f95 f03 for",
        "GLSL": "glsl vert frag",
        "Go": "go",
        "GraphQL": "graphql gql",
        "Groovy": "groovy gradle jenkinsfile",
        "HCL": "tf hcl tfvars",
        "HTML": "html htm xhtml",
        "Haskell": "hs lhs",
        "Java": "java jsp",
        "JavaScript": "js mjs cjs jsx",
        "Jinja": "j2 jinja jinja2",
        "Julia": "jl",
        "Jupyter Notebook": "ipynb",
        "Kotlin": "kt kts",
        "Less": "less",
        "Lua": "lua",
        "MATLAB": "mat matlab",
        "Makefile": "mk makefile gnumakefile",
        "Nim": "nim",
        "Nix": "nix",
        "OCaml": "ml mli",
        "Objective-C": "m mm",
        "PHP": "php phtml",
        "PLpgSQL": "pgsql plsql",
        "Pascal": "pas dpr",
        "Perl": "pl pm",
        "PowerShell": "ps1 psm1 psd1",
        "Prolog": "pro",
        "Protocol Buffer": "proto",
        "Pug": "pug jade",
        "Python": "py pyi pyw sconstruct",
        "R": "r rmd",
        "Ruby": "rb rake gemspec erb gemfile rakefile",
        "Rust": "rs",
        "SCSS": "scss sass",
        "SQL": "sql",
        "Scala": "scala sc sbt",
        "Shell": "sh bash zsh fish ksh",
        "Solidity": "sol",
        "Starlark": "bzl star bazel build.bazel",
        "Svelte": "svelte",
        "Swift": "swift",
        "SystemVerilog": "sv svh",
        "Tcl": "tcl",
        "TeX": "tex sty cls",
        "TypeScript": "ts tsx mts cts",
        "VHDL": "vhd vhdl",
        "Verilog": "v vh",
        "Vim Script": "vim",
        "Visual Basic": "vb vbs bas",
        "Vue": "vue",
        "WebAssembly": "wat wast",
        "Zig": "zig",
    }.items()
    for name in names.split()
}
PROSE_AND_DATA: Mapping[str, str] = {
    name: language
    for language, names in {
        "AsciiDoc": "adoc asciidoc",
        "CSV": "csv tsv",
        "INI": "ini cfg conf properties editorconfig",
        "JSON": "json jsonc json5 jsonl geojson webmanifest",
        "Lock file": "lock",
        "Markdown": "md markdown mdx",
        "SVG": "svg",
        "TOML": "toml",
        "Text": "txt",
        "XML": "xml xsd xsl xslt plist csproj",
        "YAML": "yml yaml",
        "gettext": "po pot",
        "reStructuredText": "rst",
    }.items()
    for name in names.split()
}
ALL = {**PROSE_AND_DATA, **CODE}


def extension_of(path: str) -> str | None:
    """What follows the last dot of a file's name, in lower case; null without a dot, or if it comes first."""
    stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    return extension.lower() if dot and stem.strip(".") and extension else None


def language_of(path: str) -> str | None:
    """The language of a file, judged by its name or extension."""
    name = path.rpartition("/")[2].lower()
    return ALL[name] if name in NAMES else ALL.get(extension_of(path) or "")


def is_code(language: str | None) -> bool:
    """Whether it is a programming language, rather than prose or data."""
    return language in _LANGUAGES


_LANGUAGES = frozenset(CODE.values())
