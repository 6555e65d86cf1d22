"""Charts as inline SVG, made in Python: no script, no request, the same on screen and on paper.

`figures` words numbers, `ticks` finds round marks for an axis, `svg` writes escaped elements,
`plane` draws axes, and `lines`, `bars`, `curves` and `sparkline` draw one kind of chart each.
Colours are classes that a style sheet fills, so that light and dark need one drawing; dashes,
marker shapes and labels say the same again without colour. None is a gap and never a zero.
"""
