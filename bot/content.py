"""The words of a sentence that say something: what two wordings of one thing have in common."""

from __future__ import annotations

import re

from base.text import stem, tokens

_FILLER = re.compile(
    r"您好|您|你|我们|请|可以|可|能够|然后|接着|首先|其次|最后|需要|如果|若|即可|便可|就|都|也|会|将|的|了|着|在|是|有|和|与|或者?|"
    r"以便|以及|并且?|进行|通过|按照|根据|使用|用|对于?|从|到|把|被|让|为|这样?|那样?|此|该|其|一下|再|还|才|时候?|后|前|里|中|上|下|"
    r"只需|仅需|直接|目前|一般|通常|建议|注意|尝试|试试"
)
_PLAIN_WORDS = frozenset(
    stem(word)
    for word in "please then next first finally make sure need following use using via try simply just any see ensure once "
    "only onto want while instead within until each both between through whether again still get go let help keep may "
    "might must above below here one two three don't doesn't isn't won't can't not no never".split()
)


def content(text: str) -> set[str]:
    """The tokens that say something: without filling words, and without numbers, which are checked as facts."""
    found = tokens(_FILLER.sub(" ", text))
    return {token for token in found if token not in _PLAIN_WORDS and not token.replace(".", "").isdigit()}
