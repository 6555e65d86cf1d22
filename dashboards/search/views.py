"""The search page, and its list alone for the search that Ctrl-K opens."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

from aethercrown.search import MAX_QUERY_CHARACTERS, SearchHit, SearchSource, search_sources
from dashboards.access import may_open, viewer
from dashboards.navigation import Shell

MAX_SHOWN = 6  # hits of one source


@dataclass(frozen=True, slots=True)
class FoundPage:
    """A hit that the person may open."""

    title: str
    note: str
    path: str


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """What one source found; `everything` leads to all of it where there is more."""

    title: str
    hits: tuple[FoundPage, ...]
    is_cut: bool = False
    everything: str = ""


@viewer
def search(request: HttpRequest) -> HttpResponseBase:
    """Everything that the person may open and that contains the words of ?q=."""
    asked = " ".join(request.GET.get("q", "").replace("\0", " ").split())
    words = asked[:MAX_QUERY_CHARACTERS].strip()
    found = list(find(request, words)) if words else []
    name = "search_list" if request.GET.get("part") == "list" else "search"
    context = {
        "words": words,
        "found": found,
        "most": MAX_QUERY_CHARACTERS if len(asked) > MAX_QUERY_CHARACTERS else 0,
        "titles": [each.title for each in search_sources],
    }
    return render(request, f"dashboards/{name}.html", context)


def find(request: HttpRequest, words: str) -> Iterator[FoundGroup]:
    """The hits of each source that has any, pages first."""
    pages = Shell(request).matching(words)
    if pages:
        hits = (FoundPage(each.title, note, each.path) for note, each in pages[:MAX_SHOWN])
        yield FoundGroup("Pages", tuple(hits), is_cut=len(pages) > MAX_SHOWN)
    for source in search_sources:
        group = _group(request, source, words)
        if group.hits:
            yield group


def _group(request: HttpRequest, source: SearchSource, words: str) -> FoundGroup:
    hits = tuple(_openable(request, source.find(words, MAX_SHOWN + 1)))
    is_cut = len(hits) > MAX_SHOWN
    everything = source.everything(words) if is_cut else ""
    if everything and not may_open(request, everything):
        everything = ""
    return FoundGroup(source.title, hits[:MAX_SHOWN], is_cut, everything)


def _openable(request: HttpRequest, hits: Iterable[SearchHit]) -> Iterator[FoundPage]:
    for hit in hits:
        path = next((each for each in hit.paths if may_open(request, each)), "")
        if path:
            yield FoundPage(hit.title, hit.note, path)
