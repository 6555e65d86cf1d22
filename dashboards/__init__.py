"""The dashboard pages: they read the apps' reports and render them; no tables.

`access` checks permissions, `page_context` renders a page with its frame, and pages consist of
`charts`, `tables` and `key_figures`: every chart has a table, and every table a CSV. `admin_home`
and `sidebar` feed the admin. Each other folder is a family of pages: alerts,
budget, decisions, health, keys, overview, pricing, revenue, scheduling and upsell.
"""
