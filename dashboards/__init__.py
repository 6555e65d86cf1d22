"""The pages: read the apps' reports and render them; no tables."""
