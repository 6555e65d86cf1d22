"""Charts as inline SVG, made in Python, without scripts or requests.

`ticks` computes axis ticks, `svg` writes escaped elements, `plane` draws axes and legends. Each of
`lines`, `bars`, `stacked`, `waterfall`, `intervals`, `heat`, `lanes`, `curves` and `sparkline`
draws one chart.
Colours are CSS classes, so that one drawing serves light and dark; dashes, marker shapes and labels
say the same without colour. None is a gap, never zero.
"""
