"""What the sample is made of: cards, referrers, events, devices and places, each with its weight.

A list of choices is a tuple of pairs (choice, weight); weights are relative and need not add up to 1. `None` is a null.
"""

type Choices = tuple[tuple[str | None, float], ...]

# A card and how often a team ends up around it. 100 is last: see `sample_votes.cards`.
CARDS: tuple[tuple[int, float], ...] = (
    (0, 1), (1, 8), (2, 14), (3, 22), (5, 25), (8, 18), (13, 9), (21, 4), (34, 1.5), (55, 0.7), (89, 0.4), (100, 0.3),
)  # fmt: skip

LANDING_ROUTES: Choices = (("HOME", 92), ("GUIDE", 4), ("ROADMAP", 2), ("ANALYTICS", 2))
BROWSED_ROUTES: Choices = (
    ("HOME", 60), ("GUIDE", 14), ("ROADMAP", 8), ("ANALYTICS", 8), ("CONTACT", 5), ("IMPRINT", 5),
)  # fmt: skip
SESSION_ROUTES: Choices = (("ROOM", 45), ("HOME", 52), ("GUIDE", 3))

FIRST_SOURCES: Choices = (
    (None, 42),
    ("https://www.google.com/", 20),
    ("google_ads", 6),
    ("https://googleads.g.doubleclick.net/", 2),
    ("https://teams.microsoft.com/", 6),
    ("https://free-planning-poker.com/", 5),
    ("https://github.com/", 4),
    ("https://www.bing.com/", 4),
    ("email", 3),
    ("cv", 1),
    ("https://duckduckgo.com/", 3),
    ("https://www.linkedin.com/", 1.5),
    ("https://www.ecosia.org/", 1.5),
    ("https://chatgpt.com/", 1),
)
LATER_SOURCES: Choices = (
    (None, 66),
    ("https://free-planning-poker.com/", 14),
    ("https://teams.microsoft.com/", 10),
    ("https://statics.teams.cdn.office.net/", 3),
    ("https://www.google.com/", 3),
    ("email", 2),
    ("https://app.slack.com/", 1),
    ("https://duckduckgo.com/", 1),
)

NEW_ROOM_EVENTS: Choices = (("ENTERED_NEW_ROOM", 70), ("ENTERED_RANDOM_ROOM", 30))
RETURN_EVENTS: Choices = (("ENTERED_RECENT_ROOM", 65), ("ENTERED_EXISTING_ROOM", 35))
SESSION_EVENTS: Choices = (
    ("COPIED_ROOM_LINK", 50), ("ENTERED_RECENT_ROOM", 20), ("LEFT_ROOM", 17), ("CHANGED_ROOM_NAME", 10),
    ("CONTACT_FORM_SUBMISSION", 3),
)  # fmt: skip

# Device, operating system, browser, weight.
AGENTS: tuple[tuple[str | None, str | None, str | None, float], ...] = (
    ("desktop", "Windows", "Chrome", 30),
    ("desktop", "Windows", "Edge", 18),
    ("desktop", "Windows", "Firefox", 6),
    ("desktop", "Mac OS", "Chrome", 16),
    ("desktop", "Mac OS", "Safari", 6),
    ("desktop", "Mac OS", "Firefox", 2),
    ("desktop", "Linux", "Chrome", 4),
    ("desktop", "Linux", "Firefox", 3),
    ("mobile", "iOS", "Mobile Safari", 5),
    ("mobile", "Android", "Chrome", 4),
    ("mobile", "Android", "Samsung Internet", 1),
    ("tablet", "iOS", "Mobile Safari", 1),
    ("desktop", "Windows", None, 1),
    ("desktop", None, "Chrome", 0.5),
    (None, None, None, 2),
)

AMERICAS = frozenset({"US", "CA", "BR", "MX", "AR", "CO"})

# Country, region, city, weight. A row without region and city keeps those two null.
PLACES: tuple[tuple[str | None, str | None, str | None, float], ...] = (
    ("DE", "BE", "Berlin", 5), ("DE", "BY", "Munich", 4), ("DE", "HH", "Hamburg", 3), ("DE", "HE", "Frankfurt", 3),
    ("DE", "NW", "Cologne", 3), ("DE", "BW", "Stuttgart", 2), ("DE", "SN", "Leipzig", 1), ("DE", None, None, 1),
    ("US", "CA", "San Francisco", 4), ("US", "NY", "New York", 4), ("US", "TX", "Austin", 3),
    ("US", "WA", "Seattle", 2), ("US", "IL", "Chicago", 2), ("US", "MA", "Boston", 1.5), ("US", "VA", "Ashburn", 2),
    ("US", None, None, 1), ("FR", "IDF", "Paris", 5), ("FR", "ARA", "Lyon", 2), ("FR", "OCC", "Toulouse", 1.5),
    ("FR", "PDL", "Nantes", 1), ("GB", "ENG", "London", 5), ("GB", "ENG", "Manchester", 1.5),
    ("GB", "SCT", "Edinburgh", 1), ("GB", None, None, 0.5), ("IN", "KA", "Bengaluru", 3), ("IN", "MH", "Pune", 2),
    ("IN", "TG", "Hyderabad", 1.5), ("IN", "DL", "New Delhi", 1), ("BR", "SP", "São Paulo", 3),
    ("BR", "RJ", "Rio de Janeiro", 1.5), ("BR", "PR", "Curitiba", 1), ("PL", "14", "Warsaw", 2),
    ("PL", "12", "Kraków", 1.5), ("PL", "02", "Wrocław", 1), ("ES", "MD", "Madrid", 2), ("ES", "CT", "Barcelona", 1.5),
    ("IT", "25", "Milan", 1.5), ("IT", "62", "Rome", 1), ("NL", "NH", "Amsterdam", 2), ("NL", "UT", "Utrecht", 1),
    ("CH", "ZH", "Zurich", 2), ("CH", "BE", "Bern", 0.7), ("AT", "9", "Vienna", 1.5), ("BE", "BRU", "Brussels", 1),
    ("PT", "11", "Lisbon", 1), ("SE", "AB", "Stockholm", 1), ("DK", "84", "Copenhagen", 0.8), ("NO", "03", "Oslo", 0.6),
    ("FI", "18", "Helsinki", 0.6), ("IE", "L", "Dublin", 0.8), ("CZ", "10", "Prague", 1), ("RO", "B", "Bucharest", 1),
    ("HU", "BU", "Budapest", 0.6), ("UA", "30", "Kyiv", 0.8), ("CA", "ON", "Toronto", 1.5), ("CA", "QC", "Montreal", 1),
    ("MX", "CMX", "Mexico City", 1), ("AR", "C", "Buenos Aires", 0.8), ("CO", "DC", "Bogotá", 0.6),
    ("ZA", "GP", "Johannesburg", 0.6), ("TR", "34", "Istanbul", 0.8), ("AU", "NSW", "Sydney", 0.6),
    ("JP", "13", "Tokyo", 0.5), ("PH", "00", "Manila", 0.5), ("SG", None, "Singapore", 0.5), (None, None, None, 3),
)  # fmt: skip

# A room name is one of each and, from the second time on, a number: up to 6 + 6 + 3 characters.
ROOM_SUBJECTS = (
    "agile", "alpha", "amber", "api", "apollo", "atlas", "bill", "blue", "bravo", "cart", "check", "cloud", "cobalt",
    "coral", "core", "data", "delta", "devops", "falcon", "fox", "galaxy", "green", "growth", "infra", "koala",
    "legacy", "lotus", "mobile", "nova", "omega", "onyx", "orca", "otter", "panda", "pixel", "portal", "rocket",
    "search", "shop", "web",
)  # fmt: skip
ROOM_GROUPS = (
    "bees", "board", "camp", "circle", "club", "corner", "crew", "den", "desk", "dojo", "forge", "gang", "guild",
    "heroes", "hive", "house", "hub", "lab", "league", "line", "makers", "minds", "pack", "party", "pilots", "planet",
    "poker", "ranger", "room", "sprint", "squad", "stars", "studio", "table", "team", "tribe", "unit", "works",
    "wizard", "zone",
)  # fmt: skip
