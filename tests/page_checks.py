"""What is wrong with the page that a browser's window shows: nothing, on every page of ours."""

from collections.abc import Iterator

from tests.browser import Browser, external

# Wide and narrow, light and dark, and 1280 x 900 at a zoom of 200%.
SHAPES = (
    *((1280, 900, False), (1280, 900, True), (390, 844, False), (390, 844, True)),
    (640, 450, False),
)
# Every text against the first filled ground behind it: those below WCAG's AA ratio.
PALE = """
const shade = (text) => {
  const [r, g, b, a] = [...text.matchAll(/[\\d.]+/g)].map(Number);
  return [r, g, b, a === undefined ? 1 : a];
};
const light = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map(
    (v) => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
};
const ground = (element) => {
  for (let each = element; each; each = each.parentElement) {
    const colour = shade(getComputedStyle(each).backgroundColor);
    if (colour[3] === 1) return colour;
  }
  return [255, 255, 255, 1];
};
const found = [];
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const element = walk.currentNode.parentElement;
  if (!walk.currentNode.data.trim() || !element.getClientRects().length) continue;
  if (element.closest("svg title, svg desc, script, .hidden, .skip")) continue;
  const style = getComputedStyle(element);
  const ink = shade(element.closest("svg") ? style.fill : style.color);
  const [one, two] = [light(ink), light(ground(element))];
  const ratio = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
  if (ratio < 4.5) found.push(`${ratio.toFixed(2)} ${walk.currentNode.data.trim()}`);
}
return found;
"""

# Tables outside the admin that are wider than the room they have: they would scroll sideways.
WIDER = """
return [...document.querySelectorAll('main .scroll')].filter(
  (each) => each.getClientRects().length && each.scrollWidth > each.clientWidth + 1
).map((each) => each.getAttribute('aria-label'));
"""

# Pictures that a screen reader passes over in silence: without a name, or a table that says more.
SILENT = """
const named = (each) => each.getAttribute('role') === 'img' &&
  (each.getAttribute('aria-labelledby') || '').split(' ').some(
    (id) => document.getElementById(id)?.textContent.trim());
return [...document.querySelectorAll('main svg')].filter(
  (each) => !each.closest('[aria-hidden=true]') &&
    !(named(each) && each.closest('section')?.querySelector('table'))
).map((each) => each.outerHTML.slice(0, 80));
"""


# Names of the code, such as plan_fit, among the words that are read; what is typed is not.
RAW_KEYS = """
const found = new Set();
const walk = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
  const element = walk.currentNode.parentElement;
  if (!element.getClientRects().length || element.closest('code, pre, svg desc, script')) continue;
  for (const each of walk.currentNode.data.matchAll(/\\b[a-z]+(_[a-z]+)+\\b/g)) found.add(each[0]);
}
return [...found];
"""


def problems(window: Browser, path: str, width: int) -> Iterator[str]:
    """Each problem in one line. The admin's theme brings its own contrasts and wide tables."""
    shown = window.run("return location.pathname")
    if shown != path.partition("?")[0]:
        yield f"it shows {shown}"
    yield from window.console_problems()
    yield from (f"asks {each}" for each in external(window.requests()))
    wide = window.run("return document.documentElement.scrollWidth")
    if wide > width:
        yield f"is {wide} wide"
    if not path.startswith("/admin/"):
        yield from (f"scrolls sideways: {each}" for each in window.run(WIDER))
        yield from (f"pale text: {each}" for each in window.run(PALE))
        yield from (f"a name of the code: {each}" for each in window.run(RAW_KEYS))
        yield from (f"a picture without words: {each}" for each in window.run(SILENT))
