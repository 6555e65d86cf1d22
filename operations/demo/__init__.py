"""Operations' part of the demo company: agents at work, two components, and a few alerts.

`company` describes it; `services` stores it, tasks with the same services as real ones. Its
components are never checked, because they do not exist, and they say so.
"""
