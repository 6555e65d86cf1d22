"""The steps of a rotation on its rows: each is one short transaction together with its event.

Whoever claims a key gets a lease and a fence; every later step names that fence, so a worker
that was paused past its lease changes nothing any more. No step spans an outside call.
"""
