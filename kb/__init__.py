"""Knowledge base. Start at `search.Searcher.search()`; `ingest/` fills it through `store`, `bot/` asks it."""
