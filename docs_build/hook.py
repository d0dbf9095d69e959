"""MkDocs' hook: adds the pages that are made of the code, and files of the repository that pages link to."""

import re
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs_build import api, catalogue, command_line, gallery, json_reference

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(?<=\]\()([^)#\s]+)(?=[)#])")
RUN = re.compile(r"^(```\w+) [a-z][^\n]*$", re.MULTILINE)  # ```sh run: what tests run is shown as any code
BESIDE_DOCS = {
    "about/contributing.md": "CONTRIBUTING.md",
    "about/changes.md": "CHANGELOG.md",
    "about/security.md": "SECURITY.md",
}


def generated() -> Iterator[tuple[str, str | bytes]]:
    """The paths of pages and pictures that are made of the code, and their content."""
    yield from catalogue.pages()
    yield from gallery.pages()
    yield "reference/command-line.md", command_line.page()
    yield "reference/json.md", json_reference.page()
    yield "reference/python.md", api.page()
    for path, source in BESIDE_DOCS.items():
        yield path, moved((ROOT / source).read_text(encoding="utf-8"), path)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the groups of the catalogue below its first page."""
    assert config.nav is not None
    chapter = next(entry["Catalogue of shifts"] for entry in config.nav if "Catalogue of shifts" in entry)
    chapter += [{catalogue.title(group): f"catalogue/{group}.md"} for group in catalogue.groups()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for path, content in generated():
        files.append(File.generated(config, path, content=content))
    for page in list(files.documentation_pages()):
        for target in outside(page.content_string, page.src_uri):
            if target not in BESIDE_DOCS.values() and files.get_file_from_path(f"source/{target}") is None:
                files.append(File.generated(config, f"source/{target}", content=(ROOT / target).read_bytes()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return RUN.sub(r"\1", LINK.sub(lambda link: within(link[1], page.file.src_uri), markdown))


def moved(markdown: str, page: str) -> str:
    """A page of the repository's own folder, with its links as from `page` in `docs/`."""
    up = "../" * page.count("/")

    def link(match: re.Match[str]) -> str:
        if "://" in match[1]:
            return match[1]
        return up + (match[1].removeprefix("docs/") if match[1].startswith("docs/") else f"../{match[1]}")

    return LINK.sub(link, markdown)


def outside(markdown: str, page: str) -> list[str]:
    """The files of the repository, outside `docs/`, that a page links to."""
    return [target for link in LINK.findall(markdown) if (target := _outside(link, page))]


def within(link: str, page: str) -> str:
    """A link as it is in the site: files of the repository outside `docs/` have a copy there."""
    target = _outside(link, page)
    if target is None:
        return link
    places = {source: path for path, source in BESIDE_DOCS.items()}
    return "../" * page.count("/") + places.get(target, f"source/{target}")


def _outside(link: str, page: str) -> str | None:
    if "://" in link or link.startswith("mailto:"):
        return None
    target = ((ROOT / "docs" / page).parent / link).resolve()
    inside = target.is_relative_to(ROOT / "docs") or not target.is_relative_to(ROOT)
    return None if inside or not target.is_file() else target.relative_to(ROOT).as_posix()
