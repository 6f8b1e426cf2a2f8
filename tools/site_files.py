"""Hook of mkdocs: the site's pages are the repository's Markdown files, wherever they lie.

A page keeps its path in the repository, so the relative links that work there work in the site.
What pages link to and is no page itself, such as a licence or an example, is copied beside them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File, Files
from pymdownx.slugs import slugify

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "*/README.md", "docs/*.md")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Anchors of headings are those of GitHub."""
    config.mdx_configs["toc"]["slugify"] = slugify(case="lower")
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """All pages, and the files that they link to, beside style sheets and what plugins add."""
    pages = [path for pattern in PAGES for path in sorted(ROOT.glob(pattern))]
    linked = {path for page in pages for path in links(page)} - set(pages)
    own = [site_file(path, config) for path in (*pages, *sorted(linked))]
    return Files([*own, *(file for file in files if not file.is_documentation_page())])


def links(page: Path) -> list[Path]:
    """Files of the repository that a page links to."""
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    paths = [(page.parent / target).resolve() for target in targets]
    return [path for path in paths if path.is_file() and path.is_relative_to(ROOT)]


def site_file(path: Path, config: MkDocsConfig) -> File:
    """A file under its path in the repository; a name without an ending is text."""
    name = path.relative_to(ROOT).as_posix()
    target = None if path.suffix else f"{name}.txt"
    return File(name, str(ROOT), config.site_dir, config.use_directory_urls, dest_uri=target)
