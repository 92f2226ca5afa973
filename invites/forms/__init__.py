"""What people may type, one module per noun."""
