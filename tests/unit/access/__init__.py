"""Who may do what: the decision as a table, and the page that is printed from the rules."""
