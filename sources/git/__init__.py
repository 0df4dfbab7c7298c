"""Git repositories: mirrored, extracted commit by commit, and published as the read model `repositories`."""
