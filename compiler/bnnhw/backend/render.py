"""Jinja templates. They hold no arithmetic: every number comes from the Design."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2

_TEMPLATES = Path(__file__).parent / "templates"


@cache
def _environment(folder: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=jinja2.select_autoescape(["html.j2"]),
    )


def render(template: str, **values: object) -> str:
    """The text of ``templates/<template>`` with ``values`` filled in; missing ones are errors."""
    return render_file(_TEMPLATES / template, **values)


def render_file(template: Path, **values: object) -> str:
    """The text of any template, likewise."""
    return _environment(template.parent).get_template(template.name).render(**values)
