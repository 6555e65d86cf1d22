"""One file that brings everything back, and the proof that it does.

`manage.py backup` takes database and anchors in one snapshot, with a manifest of every table's
rows and digest, encrypts it, reads it back, and only then gives it its name. `manage.py restore`
checks all of that before it touches anything, restores beside, and swaps last. What a restored
platform must not do again, it does not do: automation stands still until a person resumes it.
"""
