# Everything is done by aethercrown/bootstrap.py; where make is missing, call that with python3.
# A PYTHON of your own: make run PYTHON=/path/to/python3.12. Arguments: make test ARGS="-- tests/x".
PYTHON ?= python3

run test check browser faults benchmark screenshots audit:
	@exec $(PYTHON) aethercrown/bootstrap.py $@ $(ARGS)

.PHONY: run test check browser faults benchmark screenshots audit
