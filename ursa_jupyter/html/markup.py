"""Markup made of texts that are escaped, bounded and free of signs that hide or turn others.

A text from the catalog can only become part of a view through `tag`, which escapes every child and
every attribute that is not `Html`.
"""

from __future__ import annotations

import html
import re
import unicodedata

LONGEST = 120  # characters of one text, so that a view stays small whatever the catalog holds
_BREAKS = re.compile(r"[\t-\r\x1c-\x1f\x85\u2028\u2029]+")
_REPLACED = "\N{REPLACEMENT CHARACTER}"
_JOINERS = "\u200c\u200d"  # some scripts and emoji cannot be written without them


class Html(str):
    """Markup; any other text is escaped on its way into markup.

    Examples
    --------
    >>> tag("b", Html("<i>a</i>"), "<i>")
    '<b><i>a</i>&lt;i&gt;</b>'
    """

    __slots__ = ()


def tag(name: str, *children: str, **attributes: object) -> Html:
    """Return an element.

    Parameters
    ----------
    name : str
    *children : str
        `Html`, or texts, which are cleaned, cut and escaped.
    **attributes : object
        ``class_`` for ``class``, ``aria_label`` for ``aria-label``; None leaves one out.

    Examples
    --------
    >>> tag("td", "a & b", class_="n", title=None)
    '<td class="n">a &amp; b</td>'
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_quoted(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inside = "".join(each if isinstance(each, Html) else text(each) for each in children)
    return Html(f"<{name}{given}>{inside}</{name}>")


def _quoted(value: object) -> str:
    return value if isinstance(value, Html) else html.escape(clean(value))


def text(value: object, limit: int = LONGEST) -> Html:
    """Return a text as markup that shows it.

    Examples
    --------
    >>> text("<script>"), text("modality", 5)
    ('&lt;script&gt;', 'moda…')
    """
    return Html(html.escape(clean(value, limit), quote=False))


def clean(value: object, limit: int = LONGEST) -> str:
    r"""Return a text on one line, with a replacement for what would hide or turn other signs.

    Examples
    --------
    >>> clean("two\nlines, \x1b[2J"), clean("modality", 5)
    ('two lines, �[2J', 'moda…')
    """
    given = str(value)
    kept = _BREAKS.sub(" ", given[:limit])
    if not kept.isprintable():
        kept = "".join(map(_shown, kept))
    return kept if len(given) <= limit else f"{kept[: limit - 1]}…"


def _shown(sign: str) -> str:
    hides = unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Cn") and sign not in _JOINERS
    return _REPLACED if hides else sign
