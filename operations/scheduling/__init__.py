"""Who does which task next, and proof of how good that is.

`scheduler` holds the documented classes; `plan` places tasks on workers over a `graph`, in the
order that `urgency` and a `search` over `placement` suggest; `bounds` or `exact` certify it.
`durations` learns how long work really takes; `bottlenecks` says what holds it up and what one
more worker would save. All of it is pure: clock and chance come in as arguments.
"""
