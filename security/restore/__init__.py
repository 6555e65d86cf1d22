"""What a restored platform's secrets and audit need: the right KEKs, free keys, a known rewind.

The rest of restoring is aethercrown.backup.
"""
