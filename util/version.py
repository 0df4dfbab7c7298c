"""The version of this program, as the package declares it."""

from importlib.metadata import version

VERSION = version("fpp-analytics")
