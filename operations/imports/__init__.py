"""Files that people import: what was recognised, what it would change, storing it, undoing it.

An import is a row with its file, the choices about it, its state and its result. Apps register
what can be imported as targets; the page and the command read, check and store through the same
services. Storing is a job; rows are staged under the import and become current at once.
"""
