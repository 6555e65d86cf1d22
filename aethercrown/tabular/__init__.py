"""Tables as other programs write them: text files of any encoding, delimiter and locale, and .xlsx.

`source` opens a file and gives its rows as text. `recognise` reads it once and says what it is:
header, preset, columns, number format, order of dates, currency, totals. `rows` then reads it by
that layout. Nothing is guessed where two readings are plausible: it is a question.
"""
