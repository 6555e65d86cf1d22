"""Which arm a visitor gets: hashes, ranges of buckets, changed weights."""
