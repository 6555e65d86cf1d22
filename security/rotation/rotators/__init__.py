"""How values of one kind are made, set outside and tested: a module each."""
