"""The binary manifest of an APK, read from the listing that ``aapt2 dump xmltree`` prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from .project import ANDROID

COMPONENTS = ("activity", "activity-alias", "service", "receiver", "provider")
_ELEMENT = re.compile(r"^( *)E: ([\w-]+)")
_ATTRIBUTE = re.compile(
    r'^ *A: (?:(http\S+):)?([\w-]+)(?:\(0x[0-9a-f]+\))?=(?:"(.*?)"(?: \(Raw: .*\))?|(\S+))$'
)


@dataclass
class Element:
    """An XML element.

    Attributes
    ----------
    name
        Its tag.
    attributes
        Those of Android's namespace by their name alone; numbers and truths as text.
    children
        Elements in it.
    """

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element] = field(default_factory=list)

    def all(self, *names: str) -> Iterator[Element]:
        """The elements of these names in it, at any depth."""
        for child in self.children:
            if child.name in names:
                yield child
            yield from child.all(*names)

    def get(self, attribute: str) -> str | None:
        """An attribute, or ``None``."""
        return self.attributes.get(attribute)

    @property
    def filters(self) -> list[str]:
        """What its intent filters take: actions, and type or scheme of data, in words."""
        return sorted(" ".join(_words(found)) for found in self.all("intent-filter"))


def _words(intent_filter: Element) -> Iterator[str]:
    for name, attribute in (
        ("action", "name"),
        ("category", "name"),
        ("data", "scheme"),
        ("data", "mimeType"),
    ):
        for found in intent_filter.all(name):
            if found.get(attribute):
                yield str(found.get(attribute)).removeprefix("android.intent.").removeprefix("action.")


def parse(listing: str) -> Element:
    """Read what ``aapt2 dump xmltree`` printed.

    Raises
    ------
    ValueError
        If it has no element ``manifest``.
    """
    root = Element("")
    path = [(-1, root)]
    for line in listing.splitlines():
        if found := _ELEMENT.match(line):
            depth = len(found[1])
            while path[-1][0] >= depth:
                path.pop()
            element = Element(found[2])
            path[-1][1].children.append(element)
            path.append((depth, element))
        elif (found := _ATTRIBUTE.match(line)) and found[1] in (None, ANDROID):
            path[-1][1].attributes[found[2]] = found[3] if found[3] is not None else found[4]
    if [child.name for child in root.children] != ["manifest"]:
        raise ValueError("it has no manifest")
    return root.children[0]
