"""Numbered documents: invoices and credit notes as a company sends them.

Each has a number without gaps of its issuer and year, issuer and customer as they were on the day,
tax lines from editable rates, a due date, a PDF, and the state of its payment.
"""
