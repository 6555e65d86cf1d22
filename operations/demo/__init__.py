"""Operations' part of the demo company: agents at work, what was up when, and a few alerts.

`company` says what there is; `services` stores it: tasks by the same services as anybody's. Its
two components are never looked at, because they lead nowhere, and say so.
"""
