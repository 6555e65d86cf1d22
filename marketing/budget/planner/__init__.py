"""From a budget request to a proposal: allocation, bounds, uncertainty, advice; pure."""
