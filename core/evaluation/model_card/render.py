"""The blocks of a model card as Markdown and as HTML; every text is shown as it is, whatever characters are in it."""

from __future__ import annotations

import base64
import html
import re
from dataclasses import dataclass

# What formats inside a line; a colon only where it makes an address or a sign of what stands between two.
_INSIDE = re.compile(r"[\\`*_\[\]<>|#~$&]|:(?=//|\w+:)")
_AT_THE_BEGINNING = re.compile(r"^(\d*)([-+=.)])(?=[-=\s]|$)")


@dataclass(frozen=True)
class Table:
    """A caption, the titles of the columns, and the rows; the first cell of a row is its title."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Shown:
    """A picture: JPEG bytes (b"" where there is none), its file, and words for it."""

    thumbnail: bytes
    file: str
    words: str


@dataclass(frozen=True)
class Drawn:
    """A small drawing as SVG that is ours, with no text of people's own but escaped, and words for it."""

    svg: str
    words: str


Block = str | Table | tuple[str, ...] | tuple[Shown, ...] | tuple[Drawn, ...]
"""A paragraph, a table, a list, pictures, or drawings."""
Section = tuple[str, list[Block]]
"""A heading and what stands below it."""


def as_markdown(heading: str, sections: list[Section]) -> str:
    """The whole as Markdown; pictures by the names of their files."""
    parts = [f"# {_md(heading)}"]
    for name, blocks in sections:
        parts += [f"## {_md(name)}", *map(_md_block, blocks)]
    return "\n\n".join(parts) + "\n"


def as_html(heading: str, sections: list[Section]) -> str:
    """The whole as one page without scripts, links, or anything that lies elsewhere."""
    body = [f"<h1>{_text(heading)}</h1>"]
    for name, blocks in sections:
        body += [f"<h2>{_text(name)}</h2>", *map(_html_block, blocks)]
    return _PAGE.format(title=_text(heading), body="\n".join(body))


def _md(text: str) -> str:
    line = _INSIDE.sub(r"\\\g<0>", " ".join(text.split()))
    return _AT_THE_BEGINNING.sub(r"\1\\\2", line)


def _md_block(block: Block) -> str:
    if isinstance(block, str):
        return "\n\n".join(_md(line) for line in block.splitlines() if line.strip())
    if isinstance(block, Table):
        head, *rows = (f"| {' | '.join(map(_md, line))} |" for line in (block.head, *block.rows))
        return "\n".join((f"**{_md(block.caption)}**", "", head, "|" + " --- |" * len(block.head), *rows))
    return "\n".join(f"- {_md(_in_words(one))}" for one in block)


def _in_words(one: str | Shown | Drawn) -> str:
    if isinstance(one, Drawn):
        return one.words
    return f"{one.file}: {one.words}" if isinstance(one, Shown) else one


def _text(text: str) -> str:
    return html.escape(text, quote=True)


def _html_block(block: Block) -> str:
    if isinstance(block, str):
        return "".join(f"<p>{_text(line)}</p>" for line in block.splitlines() if line.strip())
    if isinstance(block, Table):
        head = "".join(f'<th scope="col">{_text(cell)}</th>' for cell in block.head)
        rows = "".join(
            f'<tr><th scope="row">{_text(row[0])}</th>{"".join(f"<td>{_text(cell)}</td>" for cell in row[1:])}</tr>'
            for row in block.rows
        )
        return (
            f"<div><table><caption>{_text(block.caption)}</caption><thead><tr>{head}</tr></thead>"
            f"<tbody>{rows}</tbody></table></div>"
        )
    kinds = {Shown: ' class="pictures"', Drawn: ' class="pictures drawings"'}
    kind = kinds.get(type(block[0]), "") if block else ""
    return f"<ul{kind}>{''.join(_html_item(one) for one in block)}</ul>"


def _html_item(one: str | Shown | Drawn) -> str:
    if isinstance(one, str):
        return f"<li>{_text(one)}</li>"
    if isinstance(one, Drawn):
        return f"<li>{one.svg}<p>{_text(one.words)}</p></li>"
    source = base64.b64encode(one.thumbnail).decode()
    picture = f'<img src="data:image/jpeg;base64,{source}" alt="">' if source else "<p>The file is gone.</p>"
    return f"<li>{picture}<p>{_text(one.file)} {_text(one.words)}</p></li>"


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --ink: #23301f; --quiet: #6f6a60; --line: #d9d4c7; --ground: #fbfaf6;
  --right: #2f8a4c; --wrong: #c45200; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --ink: #e9e6dd; --quiet: #aaa59b; --line: #3d4238; --ground: #171b16;
    --right: #63b878; --wrong: #f0813a; }}
}}
body {{ font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground); max-width: 46rem;
  margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.7rem; line-height: 1.25; }}
h2 {{ font-size: 1.2rem; margin: 2.2rem 0 .4rem; }}
div {{ overflow-x: auto; }}
table {{ border-collapse: collapse; margin: 1rem 0; }}
caption {{ text-align: left; color: var(--quiet); padding-bottom: .3rem; }}
th, td {{ text-align: left; font-weight: normal; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line);
  overflow-wrap: break-word; }}
thead th {{ color: var(--quiet); }}
.pictures {{ list-style: none; padding: 0; display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); }}
.pictures img {{ width: 100%; border-radius: 6px; }}
.drawings {{ grid-template-columns: repeat(auto-fill, minmax(7.5rem, 1fr)); }}
svg {{ width: 100%; }}
rect {{ fill: var(--line); opacity: .5; }}
.right {{ fill: var(--right); }}
.wrong {{ fill: none; stroke: var(--wrong); stroke-width: 1.5; }}
.pictures p {{ margin: .3rem 0; font-size: .9rem; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""
