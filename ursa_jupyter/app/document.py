"""The HTML in which the page comes."""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, Template

if TYPE_CHECKING:
    from bokeh.document import Document

# What a component of ours needs: the bundle of Panel does not load without the two others.
_SCRIPTS = (
    "static/js/bokeh.min.js",
    "static/js/bokeh-widgets.min.js",
    "static/js/bokeh-tables.min.js",
    "static/extensions/panel/panel.min.js",
)


def text(name: str) -> str:
    """Return one of the HTML files of this package, whose scripts do not depend on its values."""
    return files(__package__).joinpath(f"{name}.html").read_text("utf-8")


@functools.cache
def template(name: str) -> Template:
    """Return the template of one of the HTML files of this package."""
    return Environment(autoescape=True).from_string(text(name))


def dress(document: Document, title: str, up: str = "") -> None:
    """Give a session's document our HTML.

    Parameters
    ----------
    up : str
        From the page to the place that has ``static/``.
    """
    base = f"{up}/" if up else ""
    document.title = title
    document.template = template("page")
    document.template_variables["scripts"] = [f"{base}{script}" for script in _SCRIPTS]
