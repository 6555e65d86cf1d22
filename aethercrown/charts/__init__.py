"""Charts as inline SVG, made in Python, without scripts or requests.

`figures` formats numbers, `ticks` computes axis ticks, `svg` writes escaped elements, `plane` draws
axes and legends, and `lines`, `bars`, `lanes` and `curves` draw one chart each.
Colours are CSS classes, so that one drawing serves light and dark; dashes, marker shapes and labels
say the same without colour. None is a gap, never zero.
"""
