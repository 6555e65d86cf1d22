"""The dashboard pages: they read the apps' reports and render them; no tables.

`access` checks permissions, `page_context` renders a page with its frame, and pages consist of
`tiles`, `charts`, `tables`, `listing` (a table of many rows), `period_choice` and `parts`: every
chart has a table, and every table a CSV; docs/pages.md shows how. `navigation` says what
is where, and `admin_home` feeds the admin's first page. Each other folder is a family of pages:
alerts, audit, automations, budget, customers, decisions, health, history, imports, jobs, keys, kit,
onboarding, overview, people, pricing, revenue, scheduling, search, sla, unsubscribe, upsell and
usage.
`customer_blocks` is what features add to the page of a customer.
"""
