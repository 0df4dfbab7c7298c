"""Git repositories: extraction beside other tools, and the endpoints over a large history."""
