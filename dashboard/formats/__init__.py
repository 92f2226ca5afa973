"""How numbers are written where Django's own account of a language falls short; a folder a locale."""
