"""How the desk learns: a file becomes clean text, text becomes chunks, chunks become searchable.

Start at `load.load(path)`, which decides by content what a file is and returns its text or a named refusal; then
`chunk.chunk(loaded)`. `sandbox.py` is where risky files are parsed, `loaders/` holds one reader per format.
"""
