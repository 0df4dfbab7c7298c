"""Tools for frames that know no subject."""
