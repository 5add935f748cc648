"""What a sender wrote, told apart from quotes and signature: exact shares by source.

    python -m evals.mail_replies FOLDER_OR_JSONL [-v]

Reads JSON Lines of {"id", "body", "format": "text" | "html", "expected"} with "client" and "held_out" if any, and the
published sets of replies: {"id", "src"} with "text", "html" or "eml" (a whole mail) and "expected_trimmed" (neither
quote nor signature), "expected_reply" (no quote; the signature may stay) or "expected_signature". Texts are compared
without white space, as those sets do. Lines that expect nothing in words are counted as skipped.
"""

from __future__ import annotations

import argparse
import email
import email.policy
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from channels.email.html import new_reply
from channels.email.quotes import Reply, split_reply

ANNOTATION = "#sig#"  # some published texts carry it before each line of a signature


@dataclass(frozen=True, slots=True)
class Judged:
    """One mail, what was expected of it and what was found; `right` None when nothing was expected in words."""

    source: str
    id: str
    expected: str
    found: str
    right: bool | None


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a file, or of every .jsonl file in a folder."""
    for file in sorted(path.glob("*.jsonl")) if path.is_dir() else [path]:
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.strip():
                yield json.loads(line)


def judge(record: Mapping[str, Any]) -> Judged:
    """Split the mail of one record and compare with what it expects."""
    reply = _reply(record)
    source = str(record.get("src") or record.get("client") or "all") + (" (held out)" if record.get("held_out") else "")
    both = f"{reply.text}\n{reply.signature}"
    if "expected_signature" in record:
        expected, candidates = str(record["expected_signature"]).replace(ANNOTATION, ""), [reply.signature]
    elif "expected_reply" in record:
        expected, candidates = str(record["expected_reply"]), [reply.text, both]
    elif "expected_trimmed" in record or "expected" in record:
        expected, candidates = str(record.get("expected_trimmed", record.get("expected"))), [reply.text]
    else:
        return Judged(source, str(record["id"]), "", reply.text, None)
    right = _bare(expected) in {_bare(one) for one in candidates}
    return Judged(source, str(record["id"]), expected, candidates[0], right)


def _bare(text: str) -> str:
    return "".join(text.split())


def _reply(record: Mapping[str, Any]) -> Reply:
    if "eml" in record:
        message = email.message_from_string(str(record["eml"]), policy=email.policy.default)
        part = message.get_body(("plain", "html"))
        content = str(part.get_content()) if part is not None else ""
        is_html = part is not None and part.get_content_subtype() == "html"
        return new_reply(content) if is_html else split_reply(content)
    if "html" in record:
        return new_reply(str(record["html"]))
    body = str(record.get("body", record.get("text", ""))).replace(ANNOTATION, "")
    return new_reply(body) if record.get("format") == "html" else split_reply(body)


def report(judged: list[Judged], *, verbose: bool = False) -> str:
    """One line a source and one for all; with `verbose` also every miss, expected beside found."""
    groups: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        groups[one.source].append(one)
    lines = [_line(source, ones) for source, ones in sorted(groups.items())] + [_line("all", judged)]
    if verbose:
        lines += [
            f"\n== {one.source} {one.id}\n-- expected\n{one.expected}\n-- found\n{one.found}"
            for one in judged
            if one.right is False
        ]
    return "\n".join(lines)


def _line(source: str, ones: list[Judged]) -> str:
    asked = [one for one in ones if one.right is not None]
    right = sum(1 for one in asked if one.right)
    share = f"{100 * right / len(asked):5.1f} %" if asked else "    -  "
    skipped = f", {len(ones) - len(asked)} skipped" if len(ones) > len(asked) else ""
    return f"{source:36} {share}  {right} of {len(asked)}{skipped}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("path", type=Path, help="a .jsonl file, or a folder of them")
    parser.add_argument("-v", "--verbose", action="store_true", help="list the misses")
    wish = parser.parse_args()
    print(report([judge(record) for record in read_records(wish.path)], verbose=wish.verbose))


if __name__ == "__main__":
    main()
