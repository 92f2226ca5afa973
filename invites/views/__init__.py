"""Pages of the domain, one module per noun: HTTP in, a verb called, a template out."""
