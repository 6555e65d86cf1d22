"""The usage calls: track, report, find and make offers; inspect events; backfill."""
