"""The machine's two secret files, the keys derived from them, and what these encrypt."""
