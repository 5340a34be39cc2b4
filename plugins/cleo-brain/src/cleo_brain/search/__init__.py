"""Finding: terms, the lexical arm, the vector arm, and their fusion."""
