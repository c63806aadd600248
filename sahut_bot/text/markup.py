"""The neutral text tree: what a message says, free of any platform's markup. Standard library only.

A `Markup` is a tuple of nodes. Dialects parse into it and render from it; nobody else builds platform text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    value: str


@dataclass(frozen=True, slots=True)
class Break:
    """A line break."""


@dataclass(frozen=True, slots=True)
class Bold:
    children: Markup


@dataclass(frozen=True, slots=True)
class Italic:
    children: Markup


@dataclass(frozen=True, slots=True)
class Strike:
    children: Markup


@dataclass(frozen=True, slots=True)
class Code:
    value: str


@dataclass(frozen=True, slots=True)
class CodeBlock:
    value: str


@dataclass(frozen=True, slots=True)
class Quote:
    children: Markup


@dataclass(frozen=True, slots=True)
class Link:
    """`url` is http, https, mailto or tel; `label` is plain text (may equal the URL)."""

    url: str
    label: str


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody or something of the team chat: `kind` is user, group, channel or everyone."""

    kind: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ListBlock:
    ordered: bool
    items: tuple[Markup, ...]


Node: TypeAlias = Text | Break | Bold | Italic | Strike | Code | CodeBlock | Quote | Link | Mention | ListBlock
Markup: TypeAlias = tuple[Node, ...]
