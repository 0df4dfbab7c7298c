"""Git repositories: extraction compared with other tools, and the endpoints over a large history."""
