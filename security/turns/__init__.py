"""A key's next rotation as a decision, put forward by the nightly automation.

`turn` says what is proposed and what it should bring; pure. Approving one notes on the key that its
rotation is asked for, in one transaction with the decision; what is asked for is carried out by the
pass itself, or within a minute by the look at keys, as no transaction may span a call outside.
"""
