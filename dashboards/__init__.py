"""The pages: read the apps' reports and render them; no tables.

`access` says who may look, `page` puts a page together, `tables` and `pictures` are what pages
are made of: every picture has its table behind it, and every table its CSV. `frontpage` feeds
the admin's first page; `overview`, `budget`, `revenue`, `pricing`, `upsell`,
`scheduling`, `decisions`, `alerts` and `health` are the page families.
"""
