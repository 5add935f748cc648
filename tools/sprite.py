"""Write one SVG sprite from a folder of icons: `python tools/sprite.py ICON_DIR NAMES.txt OUT.svg`.

Each icon becomes `<symbol id="name">`; a page shows it with `<use href="/static/vendor/icons.svg#name">`.
Raises FileNotFoundError for a name that the folder does not hold.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

OPEN = '<svg xmlns="http://www.w3.org/2000/svg">\n'  # line width and colour come from the page (.ic in app.css)


def symbol(name: str, svg: str) -> str:
    """One icon as a symbol: its drawing only, without Tabler's invisible bounding box."""
    inner = re.sub(r"^.*?<svg[^>]*>|</svg>\s*$", "", svg, flags=re.DOTALL)
    inner = re.sub(r'<path stroke="none"[^>]*/>', "", inner)
    return f'<symbol id="{name}" viewBox="0 0 24 24">{"".join(line.strip() for line in inner.splitlines())}</symbol>\n'


def main(icon_dir: Path, names: Path, out: Path) -> None:
    wanted = sorted(set(names.read_text(encoding="utf-8").split()))
    symbols = (symbol(name, (icon_dir / f"{name}.svg").read_text(encoding="utf-8")) for name in wanted)
    out.write_text(OPEN + "".join(symbols) + "</svg>\n", encoding="utf-8")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
